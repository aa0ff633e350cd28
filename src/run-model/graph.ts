/** The plan's graph, with what is on it. */
import { queueLimit } from '../../machines/queue-limit.ts';
import type { EdgeInfo } from '../../machines/run-event.ts';
import type { OperatorModel, RunModel } from './model.ts';

/** The receiver of blocks that leave the pipeline. */
export const CONSUMER = -1;

/** One edge of the graph, with the queue at its end. Edges that end at one port share its queue. */
export interface EdgeView {
  /** Index of the sending operator. */
  readonly from: number;
  /** Index of the receiver, or `CONSUMER`. */
  readonly to: number;
  readonly port: number;
  /** Each block goes to one of several such edges. */
  readonly shared: boolean;
  /** Blocks that wait at the receiver's port; for the consumer: blocks it holds. */
  readonly blocks: number;
  readonly bytes: number;
  /** How many blocks may wait there. */
  readonly limit: number;
  /** `blocks` by `limit`, at most 1. */
  readonly fill: number;
  /** How long the oldest has waited, in milliseconds; undefined when none does. */
  readonly oldestMs: number | undefined;
}

export function edgesOf(model: RunModel): readonly EdgeView[] {
  return model.plan.operators.flatMap(({ index, edges }) =>
    edges.map((edge) => edgeView(model, index, edge)),
  );
}

function edgeView(model: RunModel, from: number, { to, port, shared }: EdgeInfo): EdgeView {
  const sender = model.operators[from];
  const receiver = model.operators[to];
  if (receiver === undefined) {
    const blocks = model.consumer.held + (sender?.figures.out ?? 0);
    const limit = Math.max(1, blocks + model.consumer.demand);
    const bytes = sender?.figures.outBytes ?? 0;
    const fill = Math.min(1, blocks / limit);
    return { from, to, port, shared, blocks, bytes, limit, fill, oldestMs: undefined };
  }
  const blocks = receiver.figures.in[port] ?? 0;
  const limit = model.plan.operators[from]?.queueBlocks ?? queueLimitOf(model, receiver);
  const [oldest] = receiver.arrivals[port] ?? [];
  return {
    from,
    to,
    port,
    shared,
    blocks,
    bytes: receiver.figures.inBytes[port] ?? 0,
    limit,
    fill: Math.min(1, blocks / limit),
    oldestMs: oldest === undefined ? undefined : model.at - oldest.at,
  };
}

/** The operators that feed one, with the port each feeds. */
export function feedersOf(
  model: RunModel,
  index: number,
): readonly { readonly operator: OperatorModel; readonly port: number }[] {
  return model.plan.operators.flatMap((info) => {
    const operator = model.operators[info.index];
    if (operator === undefined) return [];
    return info.edges.filter(({ to }) => to === index).map(({ port }) => ({ operator, port }));
  });
}

/** Blocks that may wait in front of an operator: what those that feed it say, or enough for its tasks. */
export function queueLimitOf(model: RunModel, { index, figures }: OperatorModel): number {
  const limits = model.plan.operators
    .filter(({ edges }) => edges.some(({ to }) => to === index))
    .flatMap(({ queueBlocks }) => queueBlocks ?? []);
  if (limits.length > 0) return Math.min(...limits);
  return queueLimit(figures);
}

/** Who has how much of a resource; most first. */
export function tokenHolders(
  model: RunModel,
  resource: string,
): readonly { readonly operator: string; readonly amount: number }[] {
  return model.operators
    .map(({ name, index, account }) => ({
      operator: name,
      amount: account.tokens * (model.plan.operators[index]?.needs[resource] ?? 0),
    }))
    .filter(({ amount }) => amount > 0)
    .sort((a, b) => b.amount - a.amount);
}
