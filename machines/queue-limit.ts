/** How many blocks may wait for an operator, when those that feed it say nothing. */

/** So many at least, so that a task that starts finds the next one ready. */
const MIN_QUEUE = 8;

/** Enough for the next bundles of all tasks that run: each may end before the next cycle. */
export function queueLimit({
  active,
  bundle,
}: {
  readonly active: number;
  readonly bundle: number;
}): number {
  return Math.max(MIN_QUEUE, 4 * bundle, 2 * active * bundle);
}
