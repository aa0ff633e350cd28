/** Who told whom: a sequence diagram, filters, and what belongs to one message. */
import { useMemo, useState, type ReactNode } from 'react';
import { actorOf, causalChain } from '../../../run-model/index.ts';
import { mountSequence } from '../drawing/sequence.ts';
import { useDrawing, useSurroundings, useViewer } from '../view/context.ts';
import { clockMs, count, plain } from '../view/format.ts';
import { isHand, sequenceRows } from '../view/sequence-rows.ts';
import type { Viewer } from '../view/viewer.ts';
import { RangeNote } from './RangeNote.tsx';
import type { PanelProps } from './panel-props.ts';
import { Empty, Twin } from './parts.tsx';

interface Filters {
  readonly text: string;
  readonly foldTasks: boolean;
  readonly hideHands: boolean;
  readonly onlySelected: boolean;
}

const NO_FILTERS: Filters = { text: '', foldTasks: true, hideHands: true, onlySelected: true };

export function MessagesPanel({ asTable }: PanelProps): ReactNode {
  const { viewer, model, place } = useViewer();
  const [filters, setFilters] = useState(NO_FILTERS);
  const [operator, setOperator] = useState(
    place.selection?.kind === 'operator' ? place.selection.name : undefined,
  );
  const picked = place.selection?.kind === 'operator' ? place.selection.name : operator;
  if (picked !== operator) setOperator(picked);
  const shown = rowsOf(viewer, filters, operator);
  const total = model.history.messages.entries.length + model.history.messages.dropped;
  if (total === 0) {
    return (
      <Empty title="No message yet">
        <p>Every message between actors is listed here as soon as the run starts.</p>
      </Empty>
    );
  }
  const flags: readonly (readonly [keyof Filters, string])[] = [
    ['foldTasks', 'fold tasks into operators'],
    ['hideHands', 'statecharts only'],
  ];
  const active =
    (filters.text === '' ? 0 : 1) +
    (filters.hideHands ? 1 : 0) +
    (operator !== undefined && filters.onlySelected ? 1 : 0);
  return (
    <>
      <div className="toolbar">
        <input
          type="search"
          aria-label="Filter messages"
          placeholder="Filter by type or actor ( / )"
          value={filters.text}
          onChange={(event) => {
            setFilters({ ...filters, text: event.target.value });
          }}
        />
        {flags.map(([name, label]) => (
          <label key={name}>
            <input
              type="checkbox"
              checked={filters[name] === true}
              onChange={(event) => {
                setFilters({ ...filters, [name]: event.target.checked });
              }}
            />{' '}
            {label}
          </label>
        ))}
        {operator === undefined ? null : (
          <label>
            <input
              type="checkbox"
              checked={filters.onlySelected}
              onChange={(event) => {
                setFilters({ ...filters, onlySelected: event.target.checked });
              }}
            />{' '}
            only of {plain(operator, 40)}
          </label>
        )}
        <span className="grow" />
        <RangeNote />
        <span className="dim">
          {count(shown.rows.length)} rows of {count(total)} messages
        </span>
      </div>
      {shown.rows.length === 0 ? (
        <Empty
          title={`No message matches: ${String(active)} ${active === 1 ? 'filter' : 'filters'} on`}
        >
          <button
            type="button"
            onClick={() => {
              setFilters({ ...NO_FILTERS, hideHands: false, onlySelected: false });
              viewer.go({ range: undefined });
            }}
          >
            Clear filters
          </button>
        </Empty>
      ) : asTable ? (
        <MessageTable filters={filters} operator={operator} />
      ) : (
        <Diagram filters={filters} operator={operator} />
      )}
    </>
  );
}

function rowsOf(
  viewer: Viewer,
  { text, foldTasks, hideHands, onlySelected }: Filters,
  operator: string | undefined,
): ReturnType<typeof sequenceRows> {
  const { model, place } = viewer;
  const actor = operator !== undefined && onlySelected ? actorOf(model, operator)?.path : undefined;
  // Whoever picked a message wants to see it.
  const seq = place.selection?.kind === 'message' ? place.selection.seq : undefined;
  const picked = model.history.messages.entries.find((entry) => entry.seq === seq);
  const isHidden =
    picked !== undefined &&
    [picked.from, picked.to].some((path) => path !== undefined && isHand(model, path));
  return sequenceRows(model, {
    text,
    foldTasks,
    hideHands: hideHands && !isHidden,
    actor,
    range: place.range,
  });
}

interface ShownProps {
  readonly filters: Filters;
  readonly operator: string | undefined;
}

function Diagram({ filters, operator }: ShownProps): ReactNode {
  const { viewer } = useSurroundings();
  const { ref } = useDrawing(
    (element) => {
      const sequence = mountSequence(element, (seq) => {
        viewer.go({
          selection: seq === undefined ? undefined : { kind: 'message', seq },
        });
      });
      return {
        draw: ({ numbers }: { numbers: boolean }) => {
          if (!numbers) return;
          const { selection } = viewer.place;
          const selected = selection?.kind === 'message' ? selection.seq : undefined;
          sequence.update({
            ...rowsOf(viewer, filters, operator),
            selected,
            chain: selected === undefined ? undefined : causalChain(viewer.model, selected),
          });
        },
        destroy: sequence.destroy,
      };
    },
    [filters, operator],
  );
  return (
    <div
      className="panel-body sequence"
      ref={ref}
      tabIndex={0}
      role="region"
      aria-label="Sequence of messages: arrows up and down pick one"
    />
  );
}

function MessageTable({ filters, operator }: ShownProps): ReactNode {
  const { viewer } = useViewer();
  const { lifelines, rows } = rowsOf(viewer, filters, operator);
  const newest = useMemo(() => rows.slice(-300).reverse(), [rows]);
  const nameOf = (index: number): string => (index < 0 ? 'outside' : (lifelines[index] ?? ''));
  return (
    <Twin
      caption="Messages, the newest first"
      rows={newest}
      keyOf={({ seq }) => seq}
      columns={[
        { name: 'at', cell: ({ at }) => <span className="mono">{clockMs(at)}</span> },
        {
          name: 'message',
          cell: ({ seq, type }) => (
            <button
              type="button"
              className="link"
              onClick={() => {
                viewer.go({ selection: { kind: 'message', seq } });
              }}
            >
              {plain(type)}
            </button>
          ),
        },
        { name: 'from', cell: ({ from }) => plain(nameOf(from)) },
        { name: 'to', cell: ({ to }) => plain(nameOf(to)) },
        { name: 'times', numeric: true, cell: ({ seqs }) => count(seqs.length) },
        { name: 'refs', numeric: true, cell: ({ refs }) => count(refs) },
      ]}
    />
  );
}
