/** What panels ask of a run model. Pure functions; none of them changes the model. */
import { pathParts } from './actor-path.ts';
import type { ActorModel, MessageEntry, OperatorModel, RunModel, TaskBar } from './model.ts';
import { percentiles } from './percentile.ts';

/** How an operator looks: one of the eight states of the graph. */
export type OperatorLook =
  'idle' | 'running' | 'backpressured' | 'blocked' | 'draining' | 'done' | 'failed' | 'held';

/** `backpressured`: a resource says no; `blocked`: its output cannot leave. */
export function lookOf(model: RunModel, operator: OperatorModel): OperatorLook {
  const { state, doing, figures } = operator;
  if (state === 'failed') return 'failed';
  if (state === 'completed' || state === 'cancelled') return 'done';
  if (figures.active > figures.holding) return state === 'draining' ? 'draining' : 'running';
  if (model.pausedSince !== undefined) return 'held';
  if (doing === 'queue' || doing === 'demand') return 'blocked';
  if (doing !== 'starved' && doing !== 'dispatch' && doing !== 'over') return 'backpressured';
  return state === 'draining' ? 'draining' : 'idle';
}

/** Percent of the operator's time, by what was done; adds up to 100. Time after its end does not count. */
export function sharesAt(operator: OperatorModel, at: number): Readonly<Record<string, number>> {
  const { spent, doing, doingSince } = operator;
  const all: Record<string, number> = { ...spent };
  all[doing] = (all[doing] ?? 0) + Math.max(0, at - doingSince);
  const entries = Object.entries(all).filter(([name]) => name !== 'over');
  const total = entries.reduce((sum, [, ms]) => sum + ms, 0);
  if (total === 0) return { [doing === 'over' ? 'running' : doing]: 100 };
  return Object.fromEntries(
    entries.filter(([, ms]) => ms > 0).map(([name, ms]) => [name, (100 * ms) / total]),
  );
}

/** The shares in three parts: running, starved, and blocked by whatever limit. Adds up to 100. */
export function threeShares(
  operator: OperatorModel,
  at: number,
): { readonly running: number; readonly starved: number; readonly blocked: number } {
  const shares = sharesAt(operator, at);
  const running = shares['running'] ?? 0;
  const starved = (shares['starved'] ?? 0) + (shares['dispatch'] ?? 0);
  return { running, starved, blocked: Math.max(0, 100 - running - starved) };
}

/** Percentiles of the durations of the last tasks, in milliseconds. */
export function taskDurations({ durations }: OperatorModel): {
  readonly p50: number | undefined;
  readonly p95: number | undefined;
} {
  const [p50, p95] = percentiles(durations, [50, 95]);
  return { p50, p95 };
}

/** Rows a second an operator made in the last `windowMs`. */
export function rowRate(model: RunModel, operator: number, windowMs = 2000): number {
  const { at, operators } = model.history.metrics;
  const rows = operators[operator]?.rowsOut;
  const now = model.operators[operator]?.figures.rowsOut;
  if (rows === undefined || now === undefined) return 0;
  let from = at.length - 1;
  while (from > 0 && (at[from] ?? 0) > model.at - windowMs) from -= 1;
  const elapsed = model.at - (at[from] ?? 0);
  return elapsed <= 0 ? 0 : ((now - (rows[from] ?? 0)) * 1000) / elapsed;
}

/** Lists for triage: the operators that lead in what tends to go wrong; the worst first. */
export function topLists(model: RunModel): {
  /** By milliseconds a block takes. */
  readonly slowest: readonly { readonly operator: string; readonly value: number }[];
  /** By blocks waiting. */
  readonly fullest: readonly { readonly operator: string; readonly value: number }[];
  readonly retries: readonly { readonly operator: string; readonly value: number }[];
  /** By milliseconds without a break that a limit has held. */
  readonly blocked: readonly { readonly operator: string; readonly value: number }[];
} {
  const rank = (
    value: (operator: OperatorModel) => number,
  ): readonly { readonly operator: string; readonly value: number }[] =>
    model.operators
      .map((operator) => ({ operator: operator.name, value: value(operator) }))
      .filter((entry) => entry.value > 0)
      .sort((a, b) => b.value - a.value);
  return {
    slowest: rank(({ figures }) => figures.blockMs ?? 0),
    fullest: rank(({ figures }) => figures.in.reduce((sum, blocks) => sum + blocks, 0)),
    retries: rank(({ figures }) => figures.retried),
    blocked: rank(({ denial }) => (denial === undefined ? 0 : model.at - denial.since)),
  };
}

/** All bars that overlap a span of time, those under way included: by operator, slot and start. */
export function tasksBetween(model: RunModel, from: number, to: number): readonly TaskBar[] {
  const { entries } = model.history.tasks;
  // Sorted by their ends: those that ended before are at the front.
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.endedAt ?? 0) < from) low = middle + 1;
    else high = middle;
  }
  const over = entries.slice(low).filter(({ startedAt }) => startedAt <= to);
  const underWay = model.operators.flatMap(({ running }) =>
    running.filter((bar): bar is TaskBar => bar !== null && bar.startedAt <= to),
  );
  return [...over, ...underWay];
}

/** A message, what led to it, and what came of it: numbers of events. */
export function causalChain(model: RunModel, seq: number): ReadonlySet<number> {
  const { entries } = model.history.messages;
  const bySeq = new Map(entries.map((entry): [number, MessageEntry] => [entry.seq, entry]));
  const chain = new Set<number>();
  for (let at = bySeq.get(seq); at !== undefined && !chain.has(at.seq);) {
    chain.add(at.seq);
    at = at.cause === undefined ? undefined : bySeq.get(at.cause);
  }
  const after = new Set([seq]);
  for (const entry of entries) {
    if (entry.cause === undefined || !after.has(entry.cause)) continue;
    after.add(entry.seq);
    chain.add(entry.seq);
  }
  return chain;
}

/** The actor an operator is, by path. */
export function actorOf(model: RunModel, operator: string): ActorModel | undefined {
  return Object.values(model.actors).find(
    ({ machine, path }) => machine === 'operator' && pathParts(path).id === operator,
  );
}
