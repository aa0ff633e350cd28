/**
 * Ranking policies: in which order operators that could start a task should get tokens. A policy is a
 * plain function of operator views; it is asked again after each assumed grant, with views that count
 * it, so it need only get the first place right.
 */
import type { OperatorView } from './operator/operator.protocol.ts';

/**
 * Orders the candidates, best first. `all` are the views of every operator, candidates included. The
 * candidates come with those that have started the fewest tasks first: a stable sort leaves ties so.
 * An operator that has been passed over for long is served even if a policy never would.
 */
export type RankingPolicy = (
  candidates: readonly OperatorView[],
  all: readonly OperatorView[],
) => readonly OperatorView[];

/** The operator whose running tasks have the least declared memory first. */
export const leastMemory: RankingPolicy = (candidates) =>
  sortBy(candidates, (view) => view.memoryInUse);

/** The operator nearest to the consumer first: what was begun is finished before more is begun. */
export const mostDownstream: RankingPolicy = (candidates) =>
  sortBy(candidates, (view) => view.depth);

/** The operator that has started the fewest tasks first. */
export const fair: RankingPolicy = (candidates) =>
  sortBy(candidates, (view) => view.done + view.active);

/**
 * Keeps the slowest operator busy. While it has fewer blocks waiting than tasks running, it and what
 * feeds it come first, nearest first; otherwise the most downstream operator does. So the bottleneck
 * never waits for input, and no more is in flight than that takes.
 */
export const bottleneck: RankingPolicy = (candidates, all) => {
  const slowest = slowestOf(all);
  if (slowest === undefined || slowest.queuedBlocks >= Math.max(1, slowest.active)) {
    return mostDownstream(candidates, all);
  }
  return sortBy(candidates, (view) =>
    view.depth >= slowest.depth ? view.depth - slowest.depth : all.length + view.depth,
  );
};

function slowestOf(views: readonly OperatorView[]): OperatorView | undefined {
  let slowest: OperatorView | undefined;
  for (const view of views) {
    if (view.over || view.blockMs === undefined) continue;
    if (slowest?.blockMs === undefined || view.blockMs > slowest.blockMs) slowest = view;
  }
  return slowest;
}

function sortBy(
  views: readonly OperatorView[],
  key: (view: OperatorView) => number,
): readonly OperatorView[] {
  return views.length < 2 ? views : [...views].sort((a, b) => key(a) - key(b));
}
