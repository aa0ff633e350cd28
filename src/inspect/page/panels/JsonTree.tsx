/** JSON as a tree that opens; what is inside of a branch is made when it is opened. */
import { useState, type ReactNode } from 'react';
import { plain } from '../view/format.ts';

const MOST_ENTRIES = 100;

export function JsonTree({
  value,
  name,
  depth = 0,
}: {
  readonly value: unknown;
  readonly name?: string;
  readonly depth?: number;
}): ReactNode {
  const [isOpen, setOpen] = useState(depth < 1);
  const label = name === undefined ? null : <span className="json-key">{plain(name, 80)}: </span>;
  if (typeof value !== 'object' || value === null) {
    return (
      <div className="json">
        {label}
        <span className={`json-${value === null ? 'null' : typeof value}`}>{textOf(value)}</span>
      </div>
    );
  }
  const entries = Object.entries(value as Record<string, unknown>);
  const summary = Array.isArray(value)
    ? `[${String(entries.length)}]`
    : `{${entries
        .slice(0, 4)
        .map(([key]) => plain(key, 20))
        .join(', ')}${entries.length > 4 ? ', …' : ''}}`;
  if (entries.length === 0) {
    return (
      <div className="json">
        {label}
        <span className="dim">{Array.isArray(value) ? '[]' : '{}'}</span>
      </div>
    );
  }
  return (
    <div className="json">
      <button
        type="button"
        className="json-toggle"
        aria-expanded={isOpen}
        onClick={() => {
          setOpen(!isOpen);
        }}
      >
        {isOpen ? '▾' : '▸'} {label}
        <span className="dim">{summary}</span>
      </button>
      {isOpen ? (
        <div className="json-inner">
          {entries.slice(0, MOST_ENTRIES).map(([key, entry]) => (
            <JsonTree key={key} name={key} value={entry} depth={depth + 1} />
          ))}
          {entries.length > MOST_ENTRIES ? (
            <span className="dim">and {entries.length - MOST_ENTRIES} more</span>
          ) : null}
        </div>
      ) : null}
    </div>
  );
}

function textOf(value: unknown): string {
  return plain(value === undefined ? 'undefined' : JSON.stringify(value), 400);
}
