/** When and how soon a failed attempt is repeated. */
import type { Retries } from './options.ts';

const DEFAULT_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 30_000;

export function retryCount(retries: Retries = 0): number {
  return typeof retries === 'number' ? retries : retries.count;
}

/**
 * Milliseconds to wait after a failed attempt; undefined when there should be no other. Whether there
 * are attempts left is counted elsewhere.
 */
export function retryDelay(
  retries: Retries = 0,
  random: () => number,
): (error: unknown, attempt: number) => number | undefined {
  const { backoff = DEFAULT_BACKOFF_MS, when } = typeof retries === 'number' ? {} : retries;
  return (error, attempt) => {
    if (when !== undefined && !when(error, attempt)) return undefined;
    if (typeof backoff === 'function') return Math.max(0, backoff(attempt));
    // Doubled each time, and up to half of it left out at random, so that retries do not march in step.
    return Math.min(MAX_BACKOFF_MS, backoff * 2 ** (attempt - 1)) * (1 - random() / 2);
  };
}
