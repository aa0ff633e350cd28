/** What can be done to one operator, for those who may. */
import { useState, type ReactNode } from 'react';
import type { OperatorModel } from '../../../run-model/index.ts';
import { useCommand, useViewer } from '../view/context.ts';
import { plain } from '../view/format.ts';

export function OperatorControls({ operator }: { readonly operator: OperatorModel }): ReactNode {
  const { source, model } = useViewer();
  const command = useCommand();
  const { name, figures } = operator;
  const [limit, setLimit] = useState('');
  if (!source.rights.control || model.end !== undefined) return null;
  const wanted = Number(limit);
  const isValid = Number.isInteger(wanted) && wanted >= 1;
  return (
    <>
      <h3>Change</h3>
      <form
        className="row"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isValid) return;
          command(
            { type: 'setMaxConcurrency', operator: name, maxConcurrency: wanted },
            `${name} may have ${limit} tasks at a time`,
          );
          setLimit('');
        }}
      >
        <label>
          maxConcurrency{' '}
          <input
            type="number"
            min={1}
            step={1}
            value={limit}
            placeholder={String(figures.maxConcurrency)}
            onChange={(event) => {
              setLimit(event.target.value);
            }}
          />
        </label>
        <button type="submit" disabled={!isValid}>
          Set
        </button>
      </form>
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
