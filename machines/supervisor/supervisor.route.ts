/** How blocks are dealt out along a route: to all of several receivers, or each block to one. */
import { childLineage, type BlockRef } from '../block.ts';
import type { Destination, Route } from '../plan.ts';
import { roomOn, type SupervisorContext } from './supervisor.context.ts';

export interface Distribution {
  readonly placed: readonly (Destination & { readonly refs: readonly BlockRef[] })[];
  /** Blocks that get more holders, and how many more. */
  readonly retained: readonly { readonly refs: readonly BlockRef[]; readonly count: number }[];
}

export function distribute(
  context: SupervisorContext,
  route: Route,
  refs: readonly BlockRef[],
  queueBlocks: number | undefined,
): Distribution {
  if (route.kind === 'to') return { placed: [{ ...route, refs }], retained: [] };
  const { routes } = route;
  const parts =
    route.kind === 'all'
      ? routes.map((_, branch) => (routes.length === 1 ? refs : branchRefs(refs, branch)))
      : dealOut(context, routes, refs, queueBlocks);
  const distributions = routes.map((part, index) =>
    distribute(context, part, parts[index] ?? [], queueBlocks),
  );
  const shared = route.kind === 'all' && routes.length > 1;
  return {
    placed: distributions.flatMap(({ placed }) => placed),
    retained: [
      ...(shared ? [{ refs, count: routes.length - 1 }] : []),
      ...distributions.flatMap(({ retained }) => retained),
    ],
  };
}

/** The refs that go down one branch: the same blocks, told apart by their lineage. */
function branchRefs(refs: readonly BlockRef[], branch: number): BlockRef[] {
  return refs.map((ref) => ({ ...ref, lineage: childLineage(ref.lineage, branch) }));
}

/** Gives each block to the branch with the most room. */
function dealOut(
  context: SupervisorContext,
  routes: readonly Route[],
  refs: readonly BlockRef[],
  queueBlocks: number | undefined,
): readonly (readonly BlockRef[])[] {
  const parts: BlockRef[][] = routes.map(() => []);
  // A branch that needs no more has endless room; it gets blocks only when nobody else is left.
  const rooms = routes.map((route) => {
    const room = roomOn(context, route, queueBlocks);
    return room === Infinity ? -Infinity : room;
  });
  for (const ref of refs) {
    const best = rooms.indexOf(Math.max(...rooms));
    rooms[best] = (rooms[best] ?? 0) - 1;
    parts[best]?.push(ref);
  }
  return parts;
}
