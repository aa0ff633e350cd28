/** One actor: what it may be told next, what it was told, and its context. */
import { useEffect, useState, type ReactNode } from 'react';
import type { StateDefinition } from '../../../../machines/machine-definition.ts';
import type { ActorModel, RunModel } from '../../../run-model/index.ts';
import type { ActorValue } from '../../protocol.ts';
import { activeStates, transitionInWords } from '../drawing/statechart-parts.ts';
import { useCommand, useViewer } from '../view/context.ts';
import { clock, clockMs, count, plain } from '../view/format.ts';
import { JsonTree } from './JsonTree.tsx';

export function ActorDetail({ actor }: { readonly actor: ActorModel }): ReactNode {
  const { viewer, source, model, place } = useViewer();
  const command = useCommand();
  const canControl = source.rights.control && model.end === undefined;
  const inbox = model.history.messages.entries.filter(({ to }) => to === actor.path).slice(-12);
  return (
    <aside className="actor-side" aria-label={`Actor ${plain(actor.id)}`} tabIndex={0}>
      <dl className="facts">
        <dt>path</dt>
        <dd className="mono">{plain(actor.path)}</dd>
        <dt>messages</dt>
        <dd>
          {count(actor.received)} received, {count(actor.sent)} sent
        </dd>
        <dt>started</dt>
        <dd className="mono">{clock(actor.startedAt)}</dd>
      </dl>
      <NextEvents actor={actor} model={model} />
      {canControl && actor.state !== '' ? (
        <p>
          <button
            type="button"
            onClick={() => {
              command(
                {
                  type: 'addBreakpoint',
                  breakpoint: { on: 'state', actor: actor.path, state: actor.state },
                },
                `holds when ${plain(actor.id)} enters ${plain(actor.state)} again`,
              );
            }}
          >
            Hold when it enters “{plain(actor.state, 40)}” again
          </button>
        </p>
      ) : null}
      <h3>Inbox, newest first</h3>
      {inbox.length === 0 ? <p className="dim">No message yet.</p> : null}
      <ol className="errors">
        {inbox.reverse().map(({ seq, at, type }) => (
          <li key={seq}>
            <span className="mono dim">{clockMs(at)}</span>{' '}
            <button
              type="button"
              className="link"
              onClick={() => {
                viewer.go({ tab: 'messages', selection: { kind: 'message', seq } });
              }}
            >
              {plain(type)}
            </button>
          </li>
        ))}
      </ol>
      <h3>Context</h3>
      {place.at !== undefined ? (
        <p className="dim">Contexts are not recorded: go live to see it.</p>
      ) : (
        <Context key={actor.path} path={actor.path} />
      )}
    </aside>
  );
}

/** What would do something now. */
function NextEvents({
  actor,
  model,
}: {
  readonly actor: ActorModel;
  readonly model: RunModel;
}): ReactNode {
  const machine = model.machines[actor.machine];
  if (machine === undefined) return null;
  const active = activeStates(actor.state);
  const words: string[] = [];
  const visit = (state: StateDefinition): void => {
    if (state.id === '' || active.has(state.id)) {
      for (const transition of state.transitions) {
        const { targets } = transition;
        words.push(
          `${transitionInWords(transition)}${targets.length === 0 ? '' : ` → ${plain(targets.join(', '), 60)}`}`,
        );
      }
    }
    for (const child of state.states) visit(child);
  };
  visit(machine.root);
  return (
    <>
      <h3>Takes now</h3>
      <ul className="plain-list">
        {[...new Set(words)].map((word) => (
          <li key={word} className="mono">
            {word}
          </li>
        ))}
      </ul>
    </>
  );
}

/** The context at the live edge; fetched when somebody looks, never before. */
function Context({ path }: { readonly path: string }): ReactNode {
  const { source } = useViewer();
  const [value, setValue] = useState<ActorValue | string>();
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    source.value(path).then(
      (found) => {
        if (isCurrent) setValue(found);
      },
      (error: unknown) => {
        if (isCurrent) setValue(error instanceof Error ? error.message : String(error));
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [source, path, asked]);
  if (value === undefined) return <p className="dim">…</p>;
  return (
    <>
      {typeof value === 'string' ? (
        <p className="dim">{plain(value)}</p>
      ) : (
        <JsonTree value={value.context} />
      )}
      <button
        type="button"
        onClick={() => {
          setAsked(asked + 1);
        }}
      >
        Look again
      </button>
    </>
  );
}
