/** What can be done to one operator, for those who may. */
import type { ReactNode } from 'react';
import type { OperatorModel } from '../../../run-model/index.ts';
import { readCount } from '../view/amounts.ts';
import { useCanControl, useCommand, useViewer } from '../view/context.ts';
import { limitText, plain } from '../view/format.ts';
import { Setting } from './Setting.tsx';

export function OperatorControls({ operator }: { readonly operator: OperatorModel }): ReactNode {
  const { source } = useViewer();
  const canControl = useCanControl();
  const command = useCommand();
  const { name, index } = operator;
  if (!canControl) return null;
  // As it is now, whatever moment is looked at.
  const limit = source.model.operators[index]?.figures.maxConcurrency ?? 1;
  return (
    <>
      <h3>Change</h3>
      {source.model.plan.operators[index]?.serial === true ? (
        <p className="dim">maxConcurrency is 1: it keeps state between its tasks.</p>
      ) : (
        <Setting
          key={name}
          label="maxConcurrency"
          now={limitText(limit)}
          type="number"
          read={readCount}
          command={(maxConcurrency) => ({
            type: 'setMaxConcurrency',
            operator: name,
            maxConcurrency,
          })}
        />
      )}
      <div className="row wrap">
        <button
          type="button"
          onClick={() => {
            command({ type: 'step', by: 'task', operator: name }, `one task of ${plain(name)}`);
          }}
        >
          Step one task
        </button>
        <button
          type="button"
          onClick={() => {
            command(
              { type: 'addBreakpoint', breakpoint: { on: 'failure', operator: name } },
              `holds when a task of ${plain(name)} fails`,
            );
          }}
        >
          Hold when it fails
        </button>
        <button
          type="button"
          onClick={() => {
            command(
              {
                type: 'addBreakpoint',
                breakpoint: { on: 'blocked', operator: name, longerThanMs: 1000 },
              },
              `holds when ${plain(name)} is blocked for more than 1 s`,
            );
          }}
        >
          Hold when blocked 1 s
        </button>
      </div>
    </>
  );
}
