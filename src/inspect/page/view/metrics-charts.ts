/** Which charts the metrics make, and the numbers in them. */
import type { Metrics, RunModel } from '../../../run-model/index.ts';
import type { PlotData, Series } from '../drawing/plot/frame.ts';
import { bytes, count, duration } from './format.ts';

export interface MetricsChart {
  readonly id: string;
  readonly title: string;
  readonly format: (value: number) => string;
  readonly data: (model: RunModel) => PlotData;
}

/** Rates are slopes over at least so long: shorter ones are noise. */
const RATE_MS = 1000;

export function metricsCharts(model: RunModel): readonly MetricsChart[] {
  const perOperator = (values: (index: number, metrics: Metrics) => (number | null)[]) =>
    function data({ history, operators }: RunModel): PlotData {
      const { metrics } = history;
      const series = operators.map(({ name, index }): Series => ({
        name,
        colour: index,
        values: values(index, metrics),
      }));
      return { at: metrics.at, series };
    };
  return [
    {
      id: 'throughput',
      title: 'Throughput, rows a second',
      format: count,
      data: perOperator((index, metrics) =>
        rates(metrics.at, metrics.operators[index]?.rowsOut ?? []),
      ),
    },
    {
      id: 'queues',
      title: 'Queue depth, blocks waiting in front of each operator',
      format: count,
      data: perOperator((index, metrics) => metrics.operators[index]?.queued ?? []),
    },
    {
      id: 'durations',
      title: 'Task duration, p50 (line) and p95 (dashed)',
      format: duration,
      // A source is one long task: it says nothing, and makes all others flat.
      data: ({ history, operators, plan }) => ({
        at: history.metrics.at,
        series: operators
          .filter(({ index }) => plan.operators[index]?.kind !== 'source')
          .flatMap(({ name, index }): Series[] => [
            {
              name: `${name} p50`,
              colour: index,
              values: history.metrics.operators[index]?.p50 ?? [],
            },
            {
              name: `${name} p95`,
              colour: index,
              values: history.metrics.operators[index]?.p95 ?? [],
              dashed: true,
            },
          ]),
      }),
    },
    {
      id: 'bytes',
      title: 'Live bytes against the budget',
      format: bytes,
      data: ({ history }) => ({
        at: history.metrics.at,
        series: [
          { name: 'live', colour: 0, values: history.metrics.liveBytes },
          { name: 'limit', colour: undefined, values: history.metrics.limitBytes },
        ],
      }),
    },
    ...model.history.metrics.resources.map(({ name }): MetricsChart => ({
      id: `resource-${name}`,
      title: `Tokens: ${name} in use`,
      format: count,
      data: ({ history }) => {
        const found = history.metrics.resources.find((resource) => resource.name === name);
        return {
          at: history.metrics.at,
          series: [
            { name: 'used', colour: 0, values: found?.used ?? [] },
            { name: 'budget', colour: undefined, values: found?.total ?? [] },
          ],
        };
      },
    })),
    {
      id: 'active',
      title: 'Tasks under way',
      format: count,
      data: perOperator((index, metrics) => metrics.operators[index]?.active ?? []),
    },
  ];
}

/** Slopes of a column that only grows, per second. */
export function rates(at: readonly number[], values: readonly number[]): number[] {
  let from = 0;
  return values.map((value, index) => {
    const now = at[index] ?? 0;
    while (from < index - 1 && now - (at[from + 1] ?? 0) >= RATE_MS) from += 1;
    const elapsed = now - (at[from] ?? 0);
    return elapsed <= 0 ? 0 : ((value - (values[from] ?? 0)) * 1000) / elapsed;
  });
}
