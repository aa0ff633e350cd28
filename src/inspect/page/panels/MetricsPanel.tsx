/** How it evolved: small charts over one time, with one cursor. */
import type { ReactNode } from 'react';
import type { RunModel } from '../../../run-model/index.ts';
import { mountPlot, PALETTE } from '../drawing/plot/plot.ts';
import { useDrawing, useSurroundings, useViewer } from '../view/context.ts';
import { clock, plain } from '../view/format.ts';
import { metricsCharts, type MetricsChart } from '../view/metrics-charts.ts';
import type { PanelProps } from './panel-props.ts';
import { RangeNote } from './RangeNote.tsx';
import { Empty, Twin } from './parts.tsx';

export function MetricsPanel({ asTable }: PanelProps): ReactNode {
  const { model } = useViewer();
  if (model.history.metrics.at.length === 0) {
    return (
      <Empty title="No sample yet">
        <p>A sample is taken every 100 ms in which something changes.</p>
      </Empty>
    );
  }
  const charts = metricsCharts(model);
  return (
    <>
      <div className="toolbar">
        <ul className="legend" aria-label="Operators">
          {model.operators.map(({ name, index }) => (
            <li key={name}>
              <span
                className="swatch"
                style={{ background: `var(--series-${String(index % PALETTE)})` }}
              />
              {plain(name, 40)}
            </li>
          ))}
        </ul>
        <span className="grow" />
        <RangeNote />
        <span className="dim">drag: a range · double click: go to that moment</span>
      </div>
      {asTable ? (
        <SampleTables charts={charts} model={model} />
      ) : (
        <div className="panel-body plots" tabIndex={0} role="region" aria-label="Charts">
          {charts.map((chart) => (
            <Chart key={chart.id} chart={chart} />
          ))}
        </div>
      )}
    </>
  );
}

function Chart({ chart }: { readonly chart: MetricsChart }): ReactNode {
  const { viewer, theme } = useSurroundings();
  const { ref } = useDrawing(
    (element) => {
      const plot = mountPlot(element, {
        height: 158,
        format: chart.format,
        onPick: (at) => {
          viewer.go({ at });
        },
        onRange: (from, to) => {
          viewer.go({ range: { from: Math.max(0, from), to } });
        },
      });
      return {
        draw: ({ model, numbers }: { model: RunModel; numbers: boolean }) => {
          if (!numbers) return;
          const { range } = viewer.place;
          plot.update(
            () => chart.data(model),
            range === undefined ? undefined : [range.from, range.to],
          );
        },
        destroy: plot.destroy,
      };
    },
    [theme, chart.id],
  );
  return (
    <figure className="plot" aria-label={chart.title} data-chart={chart.id}>
      <figcaption>{chart.title}</figcaption>
      <div ref={ref} role="img" aria-label={`${chart.title}; T shows it as a table`} />
    </figure>
  );
}

function SampleTables({
  charts,
  model,
}: {
  readonly charts: readonly MetricsChart[];
  readonly model: RunModel;
}): ReactNode {
  const drawn = charts.map((chart) => ({ chart, data: chart.data(model) }));
  const { at } = model.history.metrics;
  const newest = at
    .map((_, index) => index)
    .slice(-120)
    .reverse();
  return (
    <Twin
      caption="Samples, the newest first"
      rows={newest}
      keyOf={(index) => index}
      columns={[
        { name: 'at', cell: (index: number) => clock(at[index] ?? 0) },
        ...drawn.flatMap(({ chart, data }) =>
          data.series.map(({ name, values }) => ({
            name: `${chart.id}: ${plain(name, 40)}`,
            numeric: true,
            cell: (index: number) => {
              const value = values[index];
              return value === undefined || value === null ? '' : chart.format(value);
            },
          })),
        ),
      ]}
    />
  );
}
