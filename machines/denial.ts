/** Why an operator may not start a task now: a typed answer, kept where the decision was made. */

/**
 * Which limit said no:
 * - a resource of the budget by its name (`cpu`, `memory`, `gpu`, ...);
 * - `blockBytes`: the budget of live blocks has no room for one more output block;
 * - `maxConcurrency`: as many tasks as the operator may have are running;
 * - `queue`: the operators behind it have as many blocks queued as they may;
 * - `demand`: the consumer has not asked for more.
 */
export type Limit = 'blockBytes' | 'maxConcurrency' | 'queue' | 'demand' | (string & {});

/** A refused request. Amounts are in the limit's own unit: resource units, bytes, tasks or blocks. */
export interface Denial {
  readonly limit: Limit;
  readonly asked: number;
  readonly free: number;
  /** When the limit began to hold without a break, on the run's clock, in milliseconds. */
  readonly since: number;
}
