/** Home: the graph, and the lists that say where to look first. */
import type { ReactNode } from 'react';
import { edgesOf, lookOf, rowRate, taskDurations, topLists } from '../../../run-model/index.ts';
import { mountGraph } from '../drawing/graph.ts';
import { useSurroundings, useViewer } from '../view/context.ts';
import { limitInWords } from '../view/figures.ts';
import { bytes, count, duration, plain } from '../view/format.ts';
import { LOOKS } from '../view/state-look.ts';
import { Canvas, type CanvasProps } from './Canvas.tsx';
import type { PanelProps } from './panel-props.ts';
import { Empty, StateBadge, Twin } from './parts.tsx';

export function PipelinePanel({ asTable, actions }: PanelProps): ReactNode {
  const { model } = useViewer();
  if (model.operators.length === 0) {
    return <Nothing />;
  }
  return (
    <>
      {asTable ? <OperatorTable /> : <Graph actions={actions} />}
      <TopLists />
    </>
  );
}

function Nothing(): ReactNode {
  const { source, model } = useViewer();
  if (source.status.kind === 'connecting') return <Empty title="Connecting to the run …" />;
  if (Object.keys(model.actors).length > 0) {
    return (
      <Empty title="These are actors without a pipeline">
        <p>There is no graph to draw: the tab Actors (2) shows the actors and their statecharts.</p>
      </Empty>
    );
  }
  return (
    <Empty title="No pipeline yet">
      <p>This page shows a run as soon as one starts:</p>
      <pre>{'const run = flow.start();\nconsole.log(await run.inspect());'}</pre>
      <p>
        or <code>sluice run FILE --inspect</code>. A recording is opened in the tab Runs (7).
      </p>
    </Empty>
  );
}

function Graph({ actions }: Pick<PanelProps, 'actions'>): ReactNode {
  const { viewer } = useSurroundings();
  const mount: CanvasProps['mount'] = (element) => {
    const graph = mountGraph(element, {
      onSelect: (name) => {
        viewer.go({ selection: name === undefined ? undefined : { kind: 'operator', name } });
      },
    });
    return {
      draw: ({ model, numbers }) => {
        const { selection } = viewer.place;
        graph.update(model, numbers, selection?.kind === 'operator' ? selection.name : undefined);
      },
      fit: graph.fit,
      zoom: graph.zoom,
      destroy: graph.destroy,
    };
  };
  return (
    <Canvas actions={actions} mount={mount}>
      <ul className="legend floating" aria-label="States">
        {Object.values(LOOKS).map(({ look, glyph, meaning }) => (
          <li key={look} className={`state-${look}`} title={meaning}>
            <span className="glyph" aria-hidden="true">
              {glyph}
            </span>
            {look}
          </li>
        ))}
      </ul>
    </Canvas>
  );
}

/** What the graph shows, as a table. */
function OperatorTable(): ReactNode {
  const { viewer, model } = useViewer();
  return (
    <Twin
      caption="Operators of the pipeline"
      rows={model.operators}
      keyOf={({ name }) => name}
      columns={[
        {
          name: 'operator',
          cell: ({ name }) => (
            <button
              type="button"
              className="link"
              onClick={() => {
                viewer.go({ selection: { kind: 'operator', name } });
              }}
            >
              {plain(name)}
            </button>
          ),
        },
        { name: 'state', cell: (operator) => <StateBadge look={lookOf(model, operator)} /> },
        {
          name: 'waits for',
          cell: ({ denial }) => (denial === undefined ? '' : plain(limitInWords(denial.limit))),
        },
        {
          name: 'in',
          numeric: true,
          cell: ({ figures }) =>
            `${count(figures.in.reduce((sum, blocks) => sum + blocks, 0))} · ${bytes(figures.inBytes.reduce((sum, size) => sum + size, 0))}`,
        },
        {
          name: 'active',
          numeric: true,
          cell: ({ figures }) => `${count(figures.active)}/${count(figures.maxConcurrency)}`,
        },
        { name: 'out', numeric: true, cell: ({ figures }) => count(figures.out) },
        { name: 'done', numeric: true, cell: ({ figures }) => count(figures.done) },
        { name: 'retried', numeric: true, cell: ({ figures }) => count(figures.retried) },
        {
          name: 'rows/s',
          numeric: true,
          cell: ({ index }) => count(Math.round(rowRate(model, index))),
        },
        {
          name: 'p50 / p95',
          numeric: true,
          cell: (operator) => {
            const { p50, p95 } = taskDurations(operator);
            return p50 === undefined ? '' : `${duration(p50)} / ${duration(p95 ?? p50)}`;
          },
        },
        {
          name: 'goes to',
          cell: ({ index }) =>
            edgesOf(model)
              .filter(({ from }) => from === index)
              .map(({ to }) => plain(model.operators[to]?.name ?? 'consumer', 40))
              .join(', '),
        },
      ]}
    />
  );
}

/** The operators that lead in what tends to go wrong. */
function TopLists(): ReactNode {
  const { viewer, model } = useViewer();
  const { slowest, fullest, retries, blocked } = topLists(model);
  const list = (
    title: string,
    entries: readonly { readonly operator: string; readonly value: number }[],
    text: (value: number) => string,
  ): ReactNode => (
    <section className="top-list">
      <h2 className="top-title">{title}</h2>
      {entries.length === 0 ? <span className="dim">none</span> : null}
      <ol>
        {entries.slice(0, 3).map(({ operator, value }) => (
          <li key={operator}>
            <button
              type="button"
              className="link"
              onClick={() => {
                viewer.go({ selection: { kind: 'operator', name: operator } });
              }}
            >
              {plain(operator, 40)}
            </button>
            <span>{text(value)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
  return (
    <div className="top-lists">
      {list('Slowest, per block', slowest, duration)}
      {list('Fullest queue', fullest, (value) => `${count(value)} waiting`)}
      {list('Longest blocked', blocked, duration)}
      {list('Most retries', retries, (value) => `${count(value)}×`)}
    </div>
  );
}
