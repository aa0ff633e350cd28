/** Breakpoints: when the run is to be held. */
import { useRef, useState, type ReactNode } from 'react';
import type { BreakpointSpec } from '../../protocol.ts';
import { useCommand, useViewer } from '../view/context.ts';
import { count, duration, plain } from '../view/format.ts';

type Kind = BreakpointSpec['on'];

const KINDS: Readonly<Record<Kind, string>> = {
  failure: 'a task fails',
  blocked: 'an operator is blocked for longer than (ms)',
  queue: 'more blocks wait than',
  state: 'a state is entered',
  message: 'a message is delivered',
};

export function Breakpoints(): ReactNode {
  const { source } = useViewer();
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button
        type="button"
        data-action="breakpoints"
        title="Breakpoints (B)"
        onClick={() => dialog.current?.showModal()}
      >
        Breakpoints {source.breakpoints.length}
      </button>
      <dialog ref={dialog} aria-label="Breakpoints">
        <h2>Breakpoints</h2>
        <p className="dim">
          The run is held right after what is described. What has happened by then has happened.
        </p>
        <List />
        <NewBreakpoint />
        <div className="row end">
          <button type="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </dialog>
    </>
  );
}

function List(): ReactNode {
  const { source } = useViewer();
  const command = useCommand();
  if (source.breakpoints.length === 0) return <p>There is none yet.</p>;
  return (
    <ul className="breakpoints">
      {source.breakpoints.map((breakpoint) => (
        <li key={breakpoint.id} className="row">
          <span className="grow">
            {inWords(breakpoint)} <span className="dim">({count(breakpoint.hits)} hits)</span>
          </span>
          <button
            type="button"
            onClick={() => {
              command({ type: 'removeBreakpoint', id: breakpoint.id });
            }}
          >
            Remove
          </button>
        </li>
      ))}
    </ul>
  );
}

/** A breakpoint in words, after "hold when". */
export function inWords(spec: BreakpointSpec): string {
  switch (spec.on) {
    case 'state':
      return `${plain(spec.actor ?? 'any actor')} enters ${plain(spec.state)}`;
    case 'message':
      return `${plain(spec.message)} reaches ${plain(spec.actor ?? 'any actor')}`;
    case 'queue':
      return `more than ${count(spec.above)} blocks wait in front of ${plain(spec.operator)}`;
    case 'failure':
      return `a task of ${plain(spec.operator ?? 'any operator')} fails`;
    case 'blocked':
      return `${plain(spec.operator ?? 'any operator')} is blocked for more than ${duration(spec.longerThanMs)}`;
  }
}

function NewBreakpoint(): ReactNode {
  const { model } = useViewer();
  const command = useCommand();
  const [kind, setKind] = useState<Kind>('failure');
  const [operator, setOperator] = useState('');
  const [value, setValue] = useState('');
  const spec = specOf(kind, operator, value.trim());
  const needsValue = kind !== 'failure';
  const namesOperator = kind === 'failure' || kind === 'blocked' || kind === 'queue';
  return (
    <form
      className="row wrap"
      onSubmit={(event) => {
        event.preventDefault();
        if (spec === undefined) return;
        command({ type: 'addBreakpoint', breakpoint: spec }, `holds when ${inWords(spec)}`);
        setValue('');
      }}
    >
      <label>
        Hold when{' '}
        <select
          value={kind}
          onChange={(event) => {
            setKind(event.target.value as Kind);
          }}
        >
          {Object.entries(KINDS).map(([name, text]) => (
            <option key={name} value={name}>
              {text}
            </option>
          ))}
        </select>
      </label>
      {needsValue ? (
        <input
          type="text"
          aria-label={KINDS[kind]}
          placeholder={kind === 'state' ? 'failed' : kind === 'message' ? 'task.settled' : '100'}
          value={value}
          onChange={(event) => {
            setValue(event.target.value);
          }}
        />
      ) : null}
      {namesOperator ? (
        <select
          aria-label="Operator"
          value={operator}
          onChange={(event) => {
            setOperator(event.target.value);
          }}
        >
          <option value="">{kind === 'queue' ? 'choose an operator' : 'any operator'}</option>
          {model.operators.map(({ name }) => (
            <option key={name} value={name}>
              {plain(name, 60)}
            </option>
          ))}
        </select>
      ) : null}
      <button type="submit" disabled={spec === undefined}>
        Add
      </button>
    </form>
  );
}

function specOf(kind: Kind, operator: string, value: string): BreakpointSpec | undefined {
  const named = operator === '' ? {} : { operator };
  const number = Number(value);
  const isNumber = value !== '' && Number.isFinite(number) && number >= 0;
  switch (kind) {
    case 'failure':
      return { on: 'failure', ...named };
    case 'blocked':
      return isNumber ? { on: 'blocked', longerThanMs: number, ...named } : undefined;
    case 'queue':
      return isNumber && operator !== '' ? { on: 'queue', above: number, operator } : undefined;
    case 'state':
      return value === '' ? undefined : { on: 'state', state: value };
    case 'message':
      return value === '' ? undefined : { on: 'message', message: value };
  }
}
