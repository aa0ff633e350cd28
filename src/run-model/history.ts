/** The history of a run up to a moment, and parts of it that are small enough to be sent. */
import { emptyMetrics } from './empty-model.ts';
import type { Log, Metrics, RunHistory } from './model.ts';

/** The history until the event `seq`, at time `at`. Entries are shared: they do not change any more. */
export function historyUntil(history: RunHistory, seq: number, at: number): RunHistory {
  return {
    tasks: until(history.tasks, seq),
    messages: until(history.messages, seq),
    whys: until(history.whys, seq),
    logs: until(history.logs, seq),
    metrics: pickSamples(history.metrics, (sampledAt) => sampledAt <= at),
  };
}

/** The newest part of the history. */
export function recentHistory(
  history: RunHistory,
  keep: {
    readonly entries: number;
    readonly samples: number;
    /** Samples of the whole run, and not the newest ones. */
    readonly spread: boolean;
  },
): RunHistory {
  const { metrics } = history;
  const last = metrics.at.length - 1;
  const stride = keep.spread ? Math.max(1, Math.ceil(metrics.at.length / keep.samples)) : 1;
  const first = keep.spread ? 0 : last + 1 - keep.samples;
  return {
    tasks: newest(history.tasks, keep.entries),
    messages: newest(history.messages, keep.entries),
    whys: newest(history.whys, keep.entries),
    logs: newest(history.logs, keep.entries),
    metrics: pickSamples(metrics, (_at, index) => index >= first && (last - index) % stride === 0),
  };
}

/** The entries after an event. Samples are all there. */
export function historyAfter(history: RunHistory, seq: number): RunHistory {
  return {
    tasks: after(history.tasks, seq),
    messages: after(history.messages, seq),
    whys: after(history.whys, seq),
    logs: after(history.logs, seq),
    metrics: history.metrics,
  };
}

/** What was known, and after it what is new: `later` may begin before `earlier` ends, or after a gap. */
export function joinHistory(earlier: RunHistory, later: RunHistory): RunHistory {
  const [firstSample = Infinity] = later.metrics.at;
  const before = pickSamples(earlier.metrics, (at) => at < firstSample);
  return {
    tasks: join(earlier.tasks, later.tasks),
    messages: join(earlier.messages, later.messages),
    whys: join(earlier.whys, later.whys),
    logs: join(earlier.logs, later.logs),
    metrics: joinSamples(before, later.metrics),
  };
}

export function emptyHistory(): RunHistory {
  return {
    tasks: { entries: [], dropped: 0 },
    messages: { entries: [], dropped: 0 },
    whys: { entries: [], dropped: 0 },
    logs: { entries: [], dropped: 0 },
    metrics: emptyMetrics(),
  };
}

function until<T extends { seq: number }>({ entries, dropped }: Log<T>, seq: number): Log<T> {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.seq ?? 0) <= seq) low = middle + 1;
    else high = middle;
  }
  return { entries: entries.slice(0, low), dropped };
}

function after<T extends { seq: number }>(log: Log<T>, seq: number): Log<T> {
  return newest(log, log.entries.length - until(log, seq).entries.length);
}

function newest<T extends { seq: number }>({ entries, dropped }: Log<T>, keep: number): Log<T> {
  const cut = Math.max(0, entries.length - keep);
  return { entries: entries.slice(cut), dropped: dropped + cut };
}

function join<T extends { seq: number }>(earlier: Log<T>, later: Log<T>): Log<T> {
  const first = later.entries[0]?.seq ?? Infinity;
  const before = until(earlier, first - 1).entries;
  const total = later.dropped + later.entries.length;
  const entries = [...before, ...later.entries];
  return { entries, dropped: Math.max(0, total - entries.length) };
}

function pickSamples(metrics: Metrics, keep: (at: number, index: number) => boolean): Metrics {
  const kept: number[] = [];
  metrics.at.forEach((at, index) => {
    if (keep(at, index)) kept.push(index);
  });
  return mapColumns(metrics, (column) => kept.map((index) => column[index] as never));
}

function joinSamples(earlier: Metrics, later: Metrics): Metrics {
  if (earlier.operators.length !== later.operators.length) return later;
  const columns = columnsOf(earlier);
  let next = 0;
  return mapColumns(later, (column) => [...((columns[next++] ?? []) as never[]), ...column]);
}

function columnsOf(metrics: Metrics): readonly unknown[][] {
  const columns: unknown[][] = [];
  mapColumns(metrics, (column) => {
    columns.push(column);
    return column;
  });
  return columns;
}

/** The same metrics with each column replaced; always in the same order. */
export function mapColumns(
  metrics: Metrics,
  change: <T extends number | null>(column: T[]) => T[],
): Metrics {
  return {
    at: change(metrics.at),
    liveBytes: change(metrics.liveBytes),
    limitBytes: change(metrics.limitBytes),
    consumedRows: change(metrics.consumedRows),
    resources: metrics.resources.map(({ name, used, total }) => ({
      name,
      used: change(used),
      total: change(total),
    })),
    operators: metrics.operators.map((columns) => ({
      rowsOut: change(columns.rowsOut),
      bytesOut: change(columns.bytesOut),
      queued: change(columns.queued),
      queuedBytes: change(columns.queuedBytes),
      active: change(columns.active),
      p50: change(columns.p50),
      p95: change(columns.p95),
    })),
    dropped: metrics.dropped,
  };
}
