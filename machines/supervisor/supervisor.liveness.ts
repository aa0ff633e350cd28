/**
 * The liveness rule, in one place: if something waits and nothing runs, the most downstream operator
 * that could go on gets one task, or one block of credit, even over budget. When even that is not
 * possible, and nothing that could change it is on its way, the run is stalled: that is an error which
 * says who waits for what, and not a silence.
 */
import { StallError } from '../errors.ts';
import type { OperatorView } from '../operator/operator.protocol.ts';
import type { Request } from '../resource/ledger.ts';
import {
  creditBytes,
  feedsConsumer,
  localDenial,
  planOf,
  somebodyRuns,
  type SupervisorContext,
  type SupervisorStep,
} from './supervisor.context.ts';

/** Cycles without any news that prove a stall: in the first, messages may still be on their way. */
const FRUITLESS_CYCLES = 2;

/** Called when nothing was granted. `tried`: a forced request has just been refused. */
export function keepAlive(context: SupervisorContext, tried = false): SupervisorStep {
  const { paused, refilling, spill } = context;
  const isFine = paused || refilling || spill.writing > 0 || somebodyRuns(context.views);
  if (isFine || !somebodyWaits(context) || isUpToConsumer(context)) {
    return { context: { asked: [], fruitless: 0 } };
  }
  const forced = tried ? undefined : forcedRequest(context);
  if (forced !== undefined) return { context: { asked: [forced], fruitless: 0 } };
  const fruitless = context.fruitless + 1;
  if (fruitless <= FRUITLESS_CYCLES) return { context: { asked: [], fruitless, stirred: true } };
  const error = new StallError(waitingList(context));
  return {
    context: {
      asked: [],
      ending: {
        outcome: 'failed',
        operator: mostDownstream(waiting(context))?.index ?? 0,
        failure: { error, attempt: 1, lineage: '' },
      },
    },
  };
}

/**
 * What the most downstream operator that could go on needs. A source adds bytes and takes none away:
 * it may not while the budget of bytes is overdrawn. A queue limit that the user set is kept, one of
 * our own is not.
 */
function forcedRequest(context: SupervisorContext): Request | undefined {
  const overdrawn = context.liveBytes > context.budget.blockBytes;
  const candidates = context.views.filter((view) => {
    const plan = planOf(context, view.index);
    if (plan.kind === 'source' && overdrawn) return false;
    const limit = localDenial(context, view)?.limit;
    const limited = limit === 'demand' || (limit === 'queue' && plan.queueBlocks !== undefined);
    return !limited && (view.holding.length > 0 || (canStart(view) && view.freeSlots > 0));
  });
  const first = mostDownstream(candidates);
  if (first === undefined) return undefined;
  const { needs, kind } = planOf(context, first.index);
  const size = creditBytes(context, first);
  const common = { holder: first.index, blockBytes: size, blocks: 1, forced: true };
  const [held] = first.holding;
  if (held === undefined) return { ...common, needs, firstBytes: kind === 'sink' ? 0 : size };
  const { slot, missing } = held;
  const next = missing.blocks > 0 ? size : 0;
  return { ...common, slot, firstBytes: Math.max(0, missing.bytes + next) };
}

function somebodyWaits(context: SupervisorContext): boolean {
  return waiting(context).length > 0;
}

function waiting({ views }: SupervisorContext): readonly OperatorView[] {
  return views.filter((view) => view.holding.length > 0 || view.queuedBlocks > 0 || canStart(view));
}

/** Whoever takes what leaves the run has something, or could have, and does not wait: it is its turn. */
function isUpToConsumer(context: SupervisorContext): boolean {
  const { consumer, views } = context;
  if (consumer.burying > 0) return true;
  if (consumer.waits) return false;
  const ready = views.some(
    ({ index, outBlocks }) => outBlocks > 0 && feedsConsumer(planOf(context, index)),
  );
  return ready || consumer.held > 0;
}

function canStart({ startable, wantsFlush }: OperatorView): boolean {
  return startable > 0 || wantsFlush;
}

function mostDownstream(views: readonly OperatorView[]): OperatorView | undefined {
  let first: OperatorView | undefined;
  for (const view of views) if (first === undefined || view.depth < first.depth) first = view;
  return first;
}

/** Who waits for what, in words, the most downstream operator first. */
function waitingList(context: SupervisorContext): readonly string[] {
  const { blockBytes } = context.budget;
  return [...waiting(context)]
    .sort((a, b) => a.depth - b.depth)
    .map((view) => {
      const limit = localDenial(context, view)?.limit;
      if (limit === 'queue') return `${view.name} waits for room in the queues behind it`;
      if (view.holding.length > 0 || canStart(view)) {
        const bytes = String(view.holding[0]?.missing.bytes ?? view.blockSize);
        return `${view.name} waits for ${bytes} of the ${String(blockBytes)} blockBytes, of which ${String(context.liveBytes)} are in use`;
      }
      return `${view.name} waits for more input, and keeps ${String(view.queuedBlocks)} blocks until then`;
    });
}
