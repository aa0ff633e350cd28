/** What the run may use, changed while it goes on. The gauges above it show what comes of it. */
import { useRef, useState, type ReactNode } from 'react';
import { useViewer } from '../view/context.ts';
import { readAmount, readBytes } from '../view/amounts.ts';
import { bytes, count, plain } from '../view/format.ts';
import { Setting } from './Setting.tsx';

export function BudgetControls(): ReactNode {
  const { source } = useViewer();
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const { resources, blockBytes } = source.model.budget;
  return (
    <>
      <button
        ref={button}
        type="button"
        aria-expanded={isOpen}
        title="What the run may use from now on"
        onClick={() => {
          setOpen(!isOpen);
        }}
      >
        Change budget
      </button>
      {isOpen ? (
        <div
          className="settings"
          role="group"
          aria-label="Budget"
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return;
            event.stopPropagation();
            setOpen(false);
            button.current?.focus();
          }}
        >
          {Object.entries(resources).map(([name, limit]) => (
            <Setting
              key={name}
              label={'amount' in limit ? plain(name, 24) : `${plain(name, 24)} per second`}
              now={count('amount' in limit ? limit.amount : limit.perSecond)}
              type="number"
              read={readAmount}
              command={(value) => ({ type: 'setBudget', amounts: { [name]: value } })}
            />
          ))}
          <Setting
            label="blockBytes"
            now={bytes(blockBytes)}
            type="text"
            read={readBytes}
            command={(value) => ({ type: 'setBudget', amounts: { blockBytes: value } })}
          />
          <span className="dim">What is out stays out: nothing starts until it fits again.</span>
        </div>
      ) : null}
    </>
  );
}
