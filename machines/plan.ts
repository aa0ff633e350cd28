/** The plan: the checked graph of operators as plain data, which is all the charts know of a pipeline. */
import type { Amounts } from './amounts.ts';
import type { TakeLimits } from './queue.ts';

/** The receiver of blocks that leave the pipeline. */
export const CONSUMER = -1;

/** Where an operator's blocks go: to one receiver, to all of several, or each block to one of several. */
export type Route =
  | {
      readonly kind: 'to';
      /** Index of the receiving operator, or `CONSUMER`. */
      readonly operator: number;
      /** Input port of the receiver. */
      readonly port: number;
    }
  | { readonly kind: 'all'; readonly routes: readonly Route[] }
  | { readonly kind: 'one'; readonly routes: readonly Route[] };

/** The end of a route. */
export type Destination = Extract<Route, { kind: 'to' }>;

/** The route of a sink: nothing leaves it. */
export const NOWHERE: Route = { kind: 'all', routes: [] };

/** All ends of a route. */
export function destinations(route: Route): readonly Destination[] {
  return route.kind === 'to' ? [route] : route.routes.flatMap(destinations);
}

export type ErrorPolicy = 'fail' | 'skip' | 'deadLetter';

export interface OperatorPlan {
  /** Position in the plan; operators come after those that feed them. */
  readonly index: number;
  readonly name: string;
  readonly kind: 'source' | 'transform' | 'sink';
  /** Number of input ports. */
  readonly ports: number;
  readonly route: Route;
  /** The ends of the route. */
  readonly destinations: readonly Destination[];
  /** Steps to the consumer, or to the farthest sink. */
  readonly depth: number;
  /** What one task needs. */
  readonly needs: Amounts;
  /** Most tasks at a time. */
  readonly slots: number;
  /** Keeps state between its tasks: one at a time, in order of arrival, and a last one to flush. */
  readonly serial: boolean;
  /** What one task takes; undefined: as many blocks as it has shown to do in a short while. */
  readonly input: TakeLimits | undefined;
  /** How long a task of small blocks should be, in milliseconds: long beside what a task costs. */
  readonly taskMs: number;
  /** Bytes a block should have at most. */
  readonly targetBytes: number;
  /** Blocks that may wait behind this operator; undefined: as many as what follows does in a while. */
  readonly queueBlocks: number | undefined;
  /** How often a failed attempt may be repeated. */
  readonly retries: number;
  /** More failed attempts than `count` within `withinMs` milliseconds fail the operator. */
  readonly restarts: { readonly count: number; readonly withinMs: number } | undefined;
  readonly onError: ErrorPolicy;
  /** Blocks that may be given up before the run fails. */
  readonly maxErrors: number;
  readonly preserveOrder: boolean;
}

export interface Plan {
  readonly name: string;
  readonly operators: readonly OperatorPlan[];
}
