/** The budget of a run: what may be used at once. */
import { toMilli } from '../machines/amounts.ts';
import type { LedgerBudget, ResourceLimit } from '../machines/resource/ledger.ts';
import { checkObject, checkPositive } from './options.ts';

/** A resource that refills: so much a second, and at most `burst` saved up (default: one second's). */
export interface Rate {
  readonly perSecond: number;
  readonly burst?: number;
}

/**
 * Named resources, and `blockBytes`: what the live blocks of the run may weigh together. Default:
 * `cpu` is the number of cores and `blockBytes` 256 MiB.
 */
export interface Budget {
  readonly cpu?: number;
  readonly memory?: number;
  readonly blockBytes?: number;
  readonly [resource: string]: number | Rate | undefined;
}

export const DEFAULT_BLOCK_BYTES = 256 * 1024 * 1024;

/**
 * Checks a budget and fills in what is missing.
 * @throws OptionError when an amount is not a finite number above 0.
 */
export function resolveBudget(budget: Budget = {}): LedgerBudget {
  checkObject('budget', budget);
  const { blockBytes = DEFAULT_BLOCK_BYTES, ...named } = budget;
  checkPositive('budget.blockBytes', blockBytes);
  const resources: Record<string, ResourceLimit> = {};
  const all: Record<string, number | Rate | undefined> = { cpu: availableCores(), ...named };
  for (const [name, amount] of Object.entries(all)) {
    if (amount !== undefined) resources[name] = resolveLimit(`budget.${name}`, amount);
  }
  return { resources, blockBytes: Math.floor(blockBytes) };
}

function resolveLimit(option: string, amount: number | Rate): ResourceLimit {
  if (typeof amount !== 'object') {
    checkPositive(option, amount);
    return { amount: toMilli(amount) };
  }
  const { perSecond, burst = perSecond } = amount;
  checkPositive(`${option}.perSecond`, perSecond);
  checkPositive(`${option}.burst`, burst);
  return { perSecond: toMilli(perSecond), burst: toMilli(burst) };
}

/** Cores of this machine, in Node and in browsers. */
function availableCores(): number {
  const { process, navigator } = globalThis as {
    process?: { getBuiltinModule?: (name: string) => { availableParallelism(): number } };
    navigator?: { hardwareConcurrency?: number };
  };
  return (
    navigator?.hardwareConcurrency ??
    process?.getBuiltinModule?.('node:os').availableParallelism() ??
    1
  );
}
