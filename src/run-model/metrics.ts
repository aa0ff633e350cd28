/** Samples of the run model over time, as columns. */
import { emptyOperatorMetrics } from './empty-model.ts';
import { mapColumns } from './history.ts';
import { KEPT, METRICS_MS, type RunModel } from './model.ts';
import { percentiles } from './percentile.ts';

/** Begins the columns of the plan's operators and resources. */
export function startMetrics(model: RunModel): void {
  const { metrics } = model.history;
  metrics.operators = model.operators.map(emptyOperatorMetrics);
  metrics.resources = Object.keys(model.budget.resources).map((name) => ({
    name,
    used: [],
    total: [],
  }));
  metrics.at = [];
  metrics.liveBytes = [];
  metrics.limitBytes = [];
  metrics.consumedRows = [];
}

/**
 * Takes a sample of the model as it was until `at`, if it is time for one. What has not changed for
 * long gets two: where the rest began, and where it ends.
 */
export function sample(model: RunModel, at: number, always = false): void {
  const { metrics } = model.history;
  const last = metrics.at.at(-1);
  if (model.operators.length === 0) return;
  if (last !== undefined && !always && at - last < METRICS_MS) return;
  if (last !== undefined && model.at > last && at - model.at >= METRICS_MS) take(model, model.at);
  take(model, at);
}

function take(model: RunModel, at: number): void {
  const { metrics } = model.history;
  metrics.at.push(at);
  metrics.liveBytes.push(model.liveBytes);
  metrics.limitBytes.push(model.budget.blockBytes);
  metrics.consumedRows.push(model.consumer.rows);
  for (const column of metrics.resources) {
    const limit = model.budget.resources[column.name];
    column.used.push(model.used[column.name] ?? 0);
    column.total.push(limit === undefined ? 0 : 'amount' in limit ? limit.amount : limit.burst);
  }
  metrics.operators.forEach((columns, index) => {
    const operator = model.operators[index];
    if (operator === undefined) return;
    const { figures, durations } = operator;
    columns.rowsOut.push(figures.rowsOut);
    columns.bytesOut.push(figures.bytesOut);
    columns.queued.push(sum(figures.in));
    columns.queuedBytes.push(sum(figures.inBytes));
    columns.active.push(figures.active);
    const [p50 = null, p95 = null] = percentiles(durations, [50, 95]);
    columns.p50.push(p50);
    columns.p95.push(p95);
  });
  if (metrics.at.length > KEPT.metrics) thin(model);
}

/** Drops every other sample of the older half: long runs are seen whole, and sharp where it is new. */
function thin(model: RunModel): void {
  const { metrics } = model.history;
  const before = metrics.at.length;
  const half = before / 2;
  const keep = (_value: unknown, index: number): boolean => index >= half || index % 2 === 0;
  const { dropped, ...columns } = mapColumns(metrics, (column) => column.filter(keep));
  Object.assign(metrics, columns, { dropped: dropped + before - columns.at.length });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
