/**
 * Where an operator's time goes: running, starved of input, or blocked by one limit. Kept as sums,
 * brought up to date whenever an event with the time arrives, so that the parts always add up.
 */
import type { Denial } from '../denial.ts';

export interface Shares {
  /** What the operator has been doing since `since`: `running`, `starved` or the limit that blocks it. */
  readonly doing: string;
  readonly since: number;
  /** Milliseconds spent before `since`, by what was being done. */
  readonly spent: Readonly<Record<string, number>>;
}

/** What an operator does, for the account of its time. */
export interface Doing {
  readonly active: number;
  readonly holding: number;
  readonly waiting: boolean;
  readonly over: boolean;
  readonly denial: Denial | undefined;
}

export function startShares(now: number): Shares {
  return { doing: 'starved', since: now, spent: {} };
}

/** Closes the books until `now`, and opens them for what is being done from then on. */
export function accountTime(shares: Shares, doing: string, now: number): Shares {
  if (doing === shares.doing) return shares;
  const elapsed = Math.max(0, now - shares.since);
  const spent = elapsed === 0 ? shares.spent : addTime(shares.spent, shares.doing, elapsed);
  return { doing, since: Math.max(now, shares.since), spent };
}

/** Names what an operator is doing. */
export function nameDoing({ active, holding, waiting, over, denial }: Doing): string {
  if (over) return 'over';
  if (active > holding) return 'running';
  if (!waiting && holding === 0) return 'starved';
  // Between the arrival of input and the decision about it lies one cycle of the supervisor.
  return denial?.limit ?? 'dispatch';
}

/** Percent of the time until `now` by what was being done; adds up to 100. */
export function shareOut(shares: Shares, now: number): Readonly<Record<string, number>> {
  const spent = addTime(shares.spent, shares.doing, Math.max(0, now - shares.since));
  const entries = Object.entries(spent).filter(([name]) => name !== 'over');
  const total = entries.reduce((sum, [, ms]) => sum + ms, 0);
  // It took no time that the clock can tell: what there was of it was spent running.
  if (total === 0) return { [shares.doing === 'over' ? 'running' : shares.doing]: 100 };
  return Object.fromEntries(entries.map(([name, ms]) => [name, (100 * ms) / total]));
}

function addTime(
  spent: Readonly<Record<string, number>>,
  doing: string,
  ms: number,
): Readonly<Record<string, number>> {
  return { ...spent, [doing]: (spent[doing] ?? 0) + ms };
}
