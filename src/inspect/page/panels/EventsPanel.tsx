/** The raw log: every event of the run, filtered by kind and by text, with its JSON. */
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import type { RunEvent } from '../../../../machines/run-event.ts';
import { useSurroundings, useViewer } from '../view/context.ts';
import { createEventPages, searchEvents, type Search } from '../view/event-pages.ts';
import { eventInWords, GROUPS, subjectOf, type Group } from '../view/event-words.ts';
import { clock, clockMs, count, plain } from '../view/format.ts';
import { useVisibleRows } from '../view/visible-rows.ts';
import { JsonTree } from './JsonTree.tsx';
import { RangeNote } from './RangeNote.tsx';
import { Empty } from './parts.tsx';

const ROW = 27;

export function EventsPanel(): ReactNode {
  const { viewer, source, model, place } = useViewer();
  const [text, setText] = useState('');
  const [group, setGroup] = useState<Group | ''>('');
  const [picked, pick] = useState<RunEvent>();
  const isFiltered = text.trim() !== '' || group !== '' || place.range !== undefined;
  const search = useSearch(text, group, isFiltered);
  const first = source.range.firstSeq;
  const last = Math.max(first - 1, model.seq);
  if (last < first) {
    return (
      <Empty title="No event yet">
        <p>Everything that happens in a run is an event, with a number, and is listed here.</p>
      </Empty>
    );
  }
  return (
    <>
      <div className="toolbar">
        <input
          type="search"
          aria-label="Search events"
          placeholder="Search events ( / )"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
          }}
        />
        <label>
          kind{' '}
          <select
            value={group}
            onChange={(event) => {
              setGroup(event.target.value as Group | '');
            }}
          >
            <option value="">all</option>
            {Object.keys(GROUPS).map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <span className="grow" />
        <RangeNote />
        <span className="dim">
          {isFiltered ? `${count(search.found.length)} found of ` : ''}
          {count(last - first + 1)} events
          {first > 0 ? `, ${count(first)} older ones are gone` : ''}
        </span>
      </div>
      <div className="events">
        {isFiltered && search.found.length === 0 && !search.isRunning ? (
          <Empty title="No event matches the filters">
            <button
              type="button"
              onClick={() => {
                setText('');
                setGroup('');
                viewer.go({ range: undefined });
              }}
            >
              Clear filters
            </button>
            {search.more === undefined ? null : (
              <button type="button" onClick={search.more}>
                Search further back
              </button>
            )}
          </Empty>
        ) : (
          <Log
            rows={isFiltered ? search.found : undefined}
            first={first}
            last={last}
            picked={picked}
            onPick={pick}
          />
        )}
        {picked === undefined ? null : (
          <EventDetail
            event={picked}
            onClose={() => {
              pick(undefined);
            }}
          />
        )}
      </div>
      {isFiltered && search.found.length > 0 && search.more !== undefined ? (
        <div className="toolbar">
          <button type="button" onClick={search.more}>
            Search further back
          </button>
        </div>
      ) : null}
    </>
  );
}

/** What matches the filters, the newest first. */
function useSearch(
  text: string,
  group: Group | '',
  isOn: boolean,
): {
  readonly found: readonly RunEvent[];
  readonly isRunning: boolean;
  readonly more?: () => void;
} {
  const { viewer } = useSurroundings();
  const { source, place } = useViewer();
  const [result, setResult] = useState<Search>({ found: [], next: undefined });
  const [isRunning, setRunning] = useState(false);
  const { range, at } = place;
  const matches = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    const types: readonly string[] = group === '' ? [] : GROUPS[group];
    return (event: RunEvent): boolean => {
      if (group !== '' && !types.includes(event.type)) return false;
      if (range !== undefined && (event.at < range.from || event.at > range.to)) return false;
      if (wanted === '') return true;
      const words = `${event.type} ${subjectOf(event)} ${eventInWords(event)}`;
      return words.toLowerCase().includes(wanted);
    };
  }, [text, group, range]);

  function look(from: number, before: readonly RunEvent[]): () => void {
    let isCurrent = true;
    setRunning(true);
    searchEvents(source, matches, from).then(
      ({ found, next }) => {
        if (!isCurrent) return;
        setRunning(false);
        setResult({ found: [...before, ...found], next });
      },
      () => {
        if (isCurrent) setRunning(false);
      },
    );
    return () => {
      isCurrent = false;
    };
  }

  useEffect(() => {
    if (!isOn) return;
    // Not with every letter.
    let stop: (() => void) | undefined;
    const timer = setTimeout(() => {
      stop = look(viewer.model.seq, []);
    }, 150);
    return () => {
      clearTimeout(timer);
      stop?.();
    };
  }, [matches, isOn, source, viewer, at]);

  const { found, next } = result;
  return {
    found,
    isRunning,
    ...(next === undefined ? {} : { more: () => void look(next, found) }),
  };
}

interface LogProps {
  /** What was found; undefined: all, by number, the newest first. */
  readonly rows: readonly RunEvent[] | undefined;
  readonly first: number;
  readonly last: number;
  readonly picked: RunEvent | undefined;
  readonly onPick: (event: RunEvent) => void;
}

function Log({ rows, first, last, picked, onPick }: LogProps): ReactNode {
  const { viewer } = useSurroundings();
  const scroller = useRef<HTMLDivElement>(null);
  const [, refresh] = useState(0);
  const pages = useMemo(
    () =>
      createEventPages(viewer.source, () => {
        refresh((times) => times + 1);
      }),
    [viewer.source],
  );
  const total = rows?.length ?? last - first + 1;
  const { first: top, end } = useVisibleRows(scroller, total, ROW);
  const shown = Array.from({ length: end - top }, (_, offset) => top + offset);
  return (
    <div
      className="panel-body"
      ref={scroller}
      tabIndex={0}
      role="region"
      aria-label="Events, the newest first"
    >
      <div
        className="log"
        role="table"
        aria-label="Events"
        aria-rowcount={total}
        style={{ height: `${String(total * ROW)}px` }}
      >
        {shown.map((index) => {
          const seq = last - index;
          const event = rows === undefined ? pages.get(seq) : rows[index];
          return (
            <div
              key={index}
              role="row"
              aria-rowindex={index + 1}
              className={`log-row${event !== undefined && event.seq === picked?.seq ? ' picked' : ''}`}
              style={{ transform: `translateY(${String(index * ROW)}px)` }}
              onClick={() => {
                if (event !== undefined) onPick(event);
              }}
            >
              {event === undefined ? (
                <span role="cell" className="dim mono">
                  {seq} …
                </span>
              ) : (
                <>
                  <span role="cell" className="mono dim num">
                    {event.seq}
                  </span>
                  <span role="cell" className="mono">
                    {clockMs(event.at)}
                  </span>
                  <span role="cell">
                    <button
                      type="button"
                      className="link"
                      onClick={() => {
                        onPick(event);
                      }}
                    >
                      {event.type}
                    </button>
                  </span>
                  <span role="cell" className="cut" title={plain(subjectOf(event))}>
                    {plain(subjectOf(event), 60)}
                  </span>
                  <span role="cell" className="cut dim">
                    {eventInWords(event)}
                  </span>
                </>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function EventDetail({
  event,
  onClose,
}: {
  readonly event: RunEvent;
  readonly onClose: () => void;
}): ReactNode {
  const { viewer, say } = useSurroundings();
  return (
    <aside className="event-side" aria-label={`Event ${String(event.seq)}`} tabIndex={0}>
      <div className="title">
        <h2>
          {event.type} <span className="dim">#{event.seq}</span>
        </h2>
        <button type="button" aria-label="Close event" onClick={onClose}>
          ✕
        </button>
      </div>
      <p>{eventInWords(event)}</p>
      <div className="row wrap">
        <button
          type="button"
          onClick={() => {
            viewer.go({ at: event.at });
          }}
        >
          Go to {clock(event.at)}
        </button>
        {event.type === 'message' ? (
          <button
            type="button"
            onClick={() => {
              viewer.go({ tab: 'messages', selection: { kind: 'message', seq: event.seq } });
            }}
          >
            Show the message
          </button>
        ) : null}
        <button
          type="button"
          onClick={() => {
            navigator.clipboard.writeText(JSON.stringify(event, undefined, 2)).then(
              () => {
                say('copied');
              },
              () => {
                say('the browser does not let this page copy');
              },
            );
          }}
        >
          Copy JSON
        </button>
      </div>
      <JsonTree value={event} />
    </aside>
  );
}
