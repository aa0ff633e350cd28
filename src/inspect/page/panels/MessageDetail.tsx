/** One message: who told whom, what led to it and what came of it. */
import type { ReactNode } from 'react';
import { causalChain, pathParts, type MessageEntry } from '../../../run-model/index.ts';
import { useViewer } from '../view/context.ts';
import { clock, clockMs, plain, plural } from '../view/format.ts';

export function MessageDetail({ seq }: { readonly seq: number }): ReactNode {
  const { viewer, model } = useViewer();
  const { entries } = model.history.messages;
  const message = entries.find((entry) => entry.seq === seq);
  if (message === undefined) {
    return <p className="dim">This message is not at hand: it is too old, or still to come.</p>;
  }
  const chain = causalChain(model, seq);
  const related = entries.filter((entry) => chain.has(entry.seq) && entry.seq !== seq);
  const before = related.filter((entry) => entry.seq < seq).reverse();
  const after = related.filter((entry) => entry.seq > seq);
  const list = (messages: readonly MessageEntry[]): ReactNode => (
    <ol className="errors">
      {messages.slice(0, 40).map((entry) => (
        <li key={entry.seq}>
          <button
            type="button"
            className="link"
            onClick={() => {
              viewer.go({ selection: { kind: 'message', seq: entry.seq } });
            }}
          >
            {plain(entry.type)}
          </button>{' '}
          <span className="dim">
            {shortPath(entry.from)} → {shortPath(entry.to)}
          </span>
        </li>
      ))}
    </ol>
  );
  return (
    <>
      <dl className="facts">
        <dt>type</dt>
        <dd className="mono">{plain(message.type)}</dd>
        <dt>from</dt>
        <dd>{message.from === undefined ? 'outside of the actors' : plain(message.from)}</dd>
        <dt>to</dt>
        <dd>{plain(message.to)}</dd>
        <dt>at</dt>
        <dd className="mono">{clockMs(message.at)}</dd>
        <dt>carries</dt>
        <dd>{plural(message.refs, 'block')}</dd>
      </dl>
      <h3>What led to it, the last step first ({before.length})</h3>
      {before.length === 0 ? <p className="dim">It came from outside.</p> : list(before)}
      <h3>What came of it ({after.length})</h3>
      {after.length === 0 ? <p className="dim">Nothing was sent because of it.</p> : list(after)}
      {message.at === model.at ? null : (
        <p>
          <button
            type="button"
            onClick={() => {
              viewer.go({ at: message.at });
            }}
          >
            Go to {clock(message.at)}
          </button>
        </p>
      )}
    </>
  );
}

function shortPath(path: string | undefined): string {
  return path === undefined ? 'outside' : plain(pathParts(path).id, 40);
}
