/** How blocks are dealt out along a route: to all of several receivers, or each block to one. */
import { childLineage, type BlockRef } from '../block.ts';
import { CONSUMER, type Destination, type Route } from '../plan.ts';
import { roomOn, viewAt, type SupervisorContext } from './supervisor.context.ts';

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

/** Gives each block to the branch with the fewest blocks waiting, of those that have room. */
function dealOut(
  context: SupervisorContext,
  routes: readonly Route[],
  refs: readonly BlockRef[],
  queueBlocks: number | undefined,
): readonly (readonly BlockRef[])[] {
  const parts: BlockRef[][] = routes.map(() => []);
  const branches = routes.map((route, index) => ({
    index,
    room: roomOn(context, route, queueBlocks),
    waiting: waitingOn(context, route),
  }));
  // A branch that needs no more has endless room: it gets blocks only when nobody else is left.
  const wanting = branches.filter(({ room }) => room < Infinity);
  const takers = wanting.length > 0 ? wanting : branches;
  for (const [number, ref] of refs.entries()) {
    const withRoom = takers.filter(({ room }) => room > 0);
    // Equals take turns, so that two idle branches share evenly.
    const candidates = rotate(withRoom.length > 0 ? withRoom : takers, context.cycles + number);
    const best = candidates.reduce((least, branch) =>
      branch.waiting < least.waiting ? branch : least,
    );
    best.room -= 1;
    best.waiting += 1;
    parts[best.index]?.push(ref);
  }
  return parts;
}

/** Blocks that wait at the end of a route; at the fullest end, when there are several. */
function waitingOn(context: SupervisorContext, route: Route): number {
  if (route.kind !== 'to') {
    return Math.max(0, ...route.routes.map((part) => waitingOn(context, part)));
  }
  if (route.operator === CONSUMER) return 0;
  return viewAt(context.views, route.operator).queuedPerPort[route.port] ?? 0;
}

function rotate<T>(items: readonly T[], by: number): readonly T[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
