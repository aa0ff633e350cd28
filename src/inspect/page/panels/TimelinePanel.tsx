/** Where the time went: every task as a bar. */
import { useState, type ReactNode } from 'react';
import { tasksBetween, type RunModel, type TaskBar } from '../../../run-model/index.ts';
import { mountGantt } from '../drawing/gantt/gantt.ts';
import { barInWords } from '../drawing/gantt/words.ts';
import { useSurroundings, useViewer } from '../view/context.ts';
import { clock, count, duration, plain } from '../view/format.ts';
import { Canvas, type CanvasProps } from './Canvas.tsx';
import type { PanelProps } from './panel-props.ts';
import { RangeNote } from './RangeNote.tsx';
import { Empty, Twin } from './parts.tsx';

const PHASES = [
  ['running', 'run'],
  ['blocked', 'hold: waits for room for output'],
  ['backpressured', 'retry: waits for another attempt'],
  ['wait', 'wait: its input was queued'],
] as const;

export function TimelinePanel({ asTable, actions }: PanelProps): ReactNode {
  const { viewer, model } = useViewer();
  const over = model.history.tasks;
  const underWay = model.operators.some(({ running }) => running.some((bar) => bar !== null));
  if (over.entries.length === 0 && !underWay) {
    return (
      <Empty title="No task yet">
        <p>Each run of a transform over a bundle of blocks becomes a bar here.</p>
      </Empty>
    );
  }
  return (
    <>
      <div className="toolbar">
        <ul className="legend">
          {PHASES.map(([tone, words]) => (
            <li key={tone}>
              <span className={`swatch tone-${tone}`} />
              {words}
            </li>
          ))}
        </ul>
        <span className="grow" />
        <RangeNote />
        <span className="dim">
          {count(over.entries.length)} tasks
          {over.dropped > 0 ? `, ${count(over.dropped)} older ones are gone` : ''}
        </span>
        <button type="button" title="All of the run (F)" onClick={() => actions.current.fit?.()}>
          Fit
        </button>
        <button
          type="button"
          aria-label="Zoom in"
          title="Zoom in (+)"
          onClick={() => actions.current.zoom?.(1.6)}
        >
          +
        </button>
        <button
          type="button"
          aria-label="Zoom out"
          title="Zoom out (−)"
          onClick={() => actions.current.zoom?.(0.6)}
        >
          −
        </button>
      </div>
      {asTable ? (
        <TaskTable model={model} range={viewer.place.range} />
      ) : (
        <Gantt actions={actions} />
      )}
    </>
  );
}

function Gantt({ actions }: Pick<PanelProps, 'actions'>): ReactNode {
  const { viewer, theme } = useSurroundings();
  const [hover, setHover] = useState<{ lines: readonly string[]; x: number; y: number }>();
  const mount: CanvasProps['mount'] = (element) => {
    const gantt = mountGantt(element, {
      onPick: (bar) => {
        const name = bar === undefined ? undefined : viewer.model.operators[bar.operator]?.name;
        if (name !== undefined) viewer.go({ selection: { kind: 'operator', name } });
      },
      onHover: (bar, x, y) => {
        setHover(bar === undefined ? undefined : { lines: barInWords(bar, viewer.model), x, y });
      },
      onRange: (range) => {
        viewer.go({ range });
      },
    });
    return {
      draw: ({ model, numbers }) => {
        const { range, selection } = viewer.place;
        const selected = selection?.kind === 'operator' ? selection.name : undefined;
        gantt.update({ model, begin: viewer.source.range.from, range, selected }, numbers);
      },
      fit: gantt.fit,
      zoom: gantt.zoom,
      destroy: gantt.destroy,
    };
  };
  return (
    <Canvas actions={actions} mount={mount} dependencies={[theme]}>
      {hover === undefined ? null : (
        <div
          className="tooltip"
          style={{ left: `${String(hover.x + 14)}px`, top: `${String(hover.y + 14)}px` }}
        >
          {hover.lines.map((line) => (
            <div key={line}>{line}</div>
          ))}
        </div>
      )}
    </Canvas>
  );
}

function TaskTable({
  model,
  range,
}: {
  readonly model: RunModel;
  readonly range: { readonly from: number; readonly to: number } | undefined;
}): ReactNode {
  const { viewer } = useViewer();
  const shown = tasksBetween(model, range?.from ?? 0, range?.to ?? Infinity);
  const nameOf = ({ operator }: TaskBar): string => model.operators[operator]?.name ?? '';
  return (
    <Twin
      caption="Tasks, the newest first"
      rows={shown.slice(-300).reverse()}
      keyOf={(bar) => `${nameOf(bar)} ${String(bar.task)}`}
      columns={[
        {
          name: 'task',
          cell: (bar) => (
            <button
              type="button"
              className="link"
              onClick={() => {
                viewer.go({ selection: { kind: 'operator', name: nameOf(bar) } });
              }}
            >
              {plain(nameOf(bar), 40)} #{bar.task}
            </button>
          ),
        },
        { name: 'outcome', cell: ({ outcome }) => outcome ?? 'under way' },
        {
          name: 'block',
          cell: ({ lineage }) => <span className="mono">{plain(lineage, 60)}</span>,
        },
        {
          name: 'waited',
          numeric: true,
          cell: ({ queuedAt, startedAt }) => duration(Math.max(0, startedAt - queuedAt)),
        },
        { name: 'started', numeric: true, cell: ({ startedAt }) => clock(startedAt) },
        {
          name: 'took',
          numeric: true,
          cell: ({ startedAt, endedAt }) => duration((endedAt ?? model.at) - startedAt),
        },
        { name: 'attempts', numeric: true, cell: ({ attempts }) => count(attempts) },
        {
          name: 'rows in / out',
          numeric: true,
          cell: ({ rowsIn, rowsOut }) => `${count(rowsIn)} / ${count(rowsOut)}`,
        },
        { name: 'error', cell: ({ error }) => (error === undefined ? '' : plain(error, 200)) },
      ]}
    />
  );
}
