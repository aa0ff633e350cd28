/** How a run begins, pauses and ends: pure decisions of the supervisor chart. */
import { tell, type Message } from '../xstate.ts';
import {
  replace,
  roomOn,
  somebodyRuns,
  tellOperator,
  unsettledOf,
  viewAt,
  type Ending,
  type EventOf,
  type SupervisorContext,
  type SupervisorStep,
} from './supervisor.context.ts';
import type { SupervisorAddress } from './supervisor.protocol.ts';

/** Key of the alarm that goes off when a refused rate has refilled. */
export const REFILL = 'refill';

/** Asks the runner to open the sources and sinks. */
export function open(
  { staff, ending }: SupervisorContext,
  _event: unknown,
  self: SupervisorAddress,
): SupervisorStep {
  if (ending !== undefined) return {};
  return { send: [tell(staff.runner, { type: 'runner.open', replyTo: self })] };
}

/** Gives each source what it has to read, and nothing more. */
export function begin(
  context: SupervisorContext,
  { now, splits }: EventOf<'runner.opened'>,
): SupervisorStep {
  const sources = context.plan.operators.filter(({ kind }) => kind === 'source');
  let { views } = context;
  for (const { index } of sources) {
    const blocks = splits.get(index)?.length ?? 0;
    const view = viewAt(views, index);
    views = replace(views, index, { ...view, queuedBlocks: blocks, startable: blocks });
  }
  return {
    context: { now, views },
    send: sources.flatMap(({ index }) => [
      tellOperator(context, index, {
        type: 'operator.input',
        port: 0,
        refs: splits.get(index) ?? [],
      }),
      tellOperator(context, index, { type: 'operator.inputsDone', port: 0, now }),
      ...(context.stopping ? [tellOperator(context, index, { type: 'operator.finish', now })] : []),
    ]),
  };
}

export function refuse(
  { ending }: SupervisorContext,
  { operator, error, now }: EventOf<'runner.refused'>,
): SupervisorStep {
  const failure = { error, attempt: 1, lineage: '' };
  return { context: { now, ending: ending ?? { outcome: 'failed', operator, failure } } };
}

export function markChanged(
  { changed }: SupervisorContext,
  { operator }: EventOf<'operator.changed'>,
): SupervisorStep {
  return changed.includes(operator) ? {} : { context: { changed: [...changed, operator] } };
}

export function addDemand(
  { demand, loosened }: SupervisorContext,
  { blocks }: EventOf<'consumer.demand'>,
): SupervisorStep {
  return { context: { demand: demand + blocks, loosened: { ...loosened, demand: true } } };
}

export function markFreed({ loosened }: SupervisorContext): SupervisorStep {
  return { context: { loosened: { ...loosened, bytes: true } } };
}

export function markConsumer({ loosened }: SupervisorContext): SupervisorStep {
  return { context: { loosened: { ...loosened, consumer: true } } };
}

export function markRefilled(): SupervisorStep {
  return { context: { stirred: true, refilling: false } };
}

export function setBudget(
  { staff, now }: SupervisorContext,
  { budget }: EventOf<'run.setBudget'>,
): SupervisorStep {
  return {
    context: { budget, stirred: true },
    send: [
      tell(staff.resource, { type: 'resource.setBudget', budget, now }),
      tell(staff.store, { type: 'store.setLimit', blockBytes: budget.blockBytes }),
    ],
  };
}

/** Tells the operator; it says how many more tasks it may start when it is polled. */
export function setMaxConcurrency(
  context: SupervisorContext,
  { operator, maxConcurrency }: EventOf<'run.setMaxConcurrency'>,
): SupervisorStep {
  return { send: [tellOperator(context, operator, { type: 'operator.resize', maxConcurrency })] };
}

/** Asks the clock for a cycle, once, if there is a reason for one. */
export function askForCycle(
  context: SupervisorContext,
  _event: unknown,
  self: SupervisorAddress,
): SupervisorStep {
  const { changed, stirred, cycleAsked, staff } = context;
  const isNeeded = changed.length > 0 || stirred || canMove(context) || helpsSomebody(context);
  if (cycleAsked || !isNeeded) return {};
  return {
    context: { cycleAsked: true },
    send: [tell(staff.clock, { type: 'clock.cycle', replyTo: self })],
  };
}

/** Sources read no more; the run is done when what was read is. */
export function stopReading(context: SupervisorContext): SupervisorStep {
  const { plan, views, now, stopping } = context;
  const reading = plan.operators.filter(
    ({ index, kind }) => kind === 'source' && !viewAt(views, index).over,
  );
  return {
    context: { stopping: true },
    send: stopping
      ? []
      : reading.map(({ index }) => tellOperator(context, index, { type: 'operator.finish', now })),
  };
}

export function pause(): SupervisorStep {
  return { context: { paused: true } };
}

export function resume(): SupervisorStep {
  return { context: { paused: false, stirred: true } };
}

/** One cycle, whether or not there is a reason for it; pauses if that has not been done. */
export function askForStep(
  _context: SupervisorContext,
  { task }: EventOf<'run.step'>,
): SupervisorStep {
  return { context: { paused: true, stepping: 'asked', stepTask: task } };
}

/** In the pause: asks the clock for the cycle that was asked for. */
export function takeStep(
  { cycleAsked, staff, stepping }: SupervisorContext,
  _event: unknown,
  self: SupervisorAddress,
): SupervisorStep {
  if (stepping !== 'asked') return { context: { stepping: 'no', stepTask: undefined } };
  return {
    context: { cycleAsked: true },
    send: cycleAsked ? [] : [tell(staff.clock, { type: 'clock.cycle', replyTo: self })],
  };
}

export function beginStep(): SupervisorStep {
  return { context: { stepping: 'under way' } };
}

/** A cycle that was asked for before the pause. */
export function skipCycle(): SupervisorStep {
  return { context: { cycleAsked: false, stirred: true } };
}

/**
 * Whether what has got looser is what somebody waits for. When it is not, it waits for the next cycle:
 * a task that runs will cause one.
 */
function helpsSomebody({ loosened, told, views }: SupervisorContext): boolean {
  const { bytes, demand, consumer } = loosened;
  if (!bytes && !demand && !consumer) return false;
  if (!somebodyRuns(views)) return true;
  return (bytes && told.includes('blockBytes')) || (demand && told.includes('demand'));
}

/** Whether outputs wait for which there is room by now: the receiver may have reported after them. */
function canMove(context: SupervisorContext): boolean {
  return context.plan.operators.some(
    ({ index, route, queueBlocks }) =>
      viewAt(context.views, index).outBlocks > 0 && roomOn(context, route, queueBlocks) > 0,
  );
}

export function cancel(
  { ending }: SupervisorContext,
  { reason }: EventOf<'run.cancel'>,
): SupervisorStep {
  return { context: { ending: ending ?? { outcome: 'cancelled', reason } } };
}

/** Tells whoever is not over to give up, and lets go of what was on its way between operators. */
export function drain(context: SupervisorContext): SupervisorStep {
  const { plan, views, staff, now, ending, arrived, unsettled, changed } = context;
  const reason = reasonOf(ending);
  const refs = arrived.flatMap((batch) => batch.refs);
  const send: Message[] = [tell(staff.clock, { type: 'clock.cancel', key: REFILL })];
  if (refs.length > 0) send.push(tell(staff.store, { type: 'store.release', refs }));
  if (unsettled.length > 0) {
    send.push(tell(staff.resource, { type: 'resource.settle', settlements: unsettled }));
  }
  // In reverse: who takes stops before who gives, so nothing piles up in between.
  for (const { index } of [...plan.operators].reverse()) {
    if (viewAt(views, index).over) continue;
    send.push(tellOperator(context, index, { type: 'operator.cancel', reason, now }));
  }
  // Who has said that it changed says no more until it is asked.
  for (const operator of changed) {
    send.push(tellOperator(context, operator, { type: 'operator.poll', room: 0, now }));
  }
  const awaited = context.awaited + changed.length;
  return { context: { arrived: [], unsettled: [], changed: [], awaited }, send };
}

/** An operator has something to say while the run drains: it is asked at once. */
export function pollNow(
  context: SupervisorContext,
  { operator }: EventOf<'operator.changed'>,
): SupervisorStep {
  const { now, awaited } = context;
  return {
    context: { awaited: awaited + 1 },
    send: [tellOperator(context, operator, { type: 'operator.poll', room: 0, now })],
  };
}

/** Takes the report of an operator that drains, and settles what it brings. */
export function settleReport(
  context: SupervisorContext,
  report: EventOf<'operator.report'>,
): SupervisorStep {
  const { operator, view, tokens, produced, returned, outputs } = report;
  const settlement = unsettledOf(operator, { tokens, produced, returned, closed: view.over });
  return {
    context: {
      awaited: context.awaited - 1,
      views: replace(context.views, operator, view),
      reports: replace(context.reports, operator, report),
    },
    send: [
      ...(outputs.length === 0
        ? []
        : [tell(context.staff.store, { type: 'store.release', refs: outputs })]),
      tell(context.staff.resource, { type: 'resource.settle', settlements: [settlement] }),
    ],
  };
}

/** The runner opened when the run was ending already: what it listed is let go of. */
export function discardSplits(
  { staff }: SupervisorContext,
  { splits }: EventOf<'runner.opened'>,
): SupervisorStep {
  const refs = [...splits.values()].flat();
  return refs.length === 0 ? {} : { send: [tell(staff.store, { type: 'store.release', refs })] };
}

/** A decision that crossed the end of the run on its way: what it grants goes back at once. */
export function returnGrants(
  { staff }: SupervisorContext,
  { grants }: EventOf<'resource.decision'>,
): SupervisorStep {
  if (grants.length === 0) return { context: { asked: [] } };
  return {
    context: { asked: [] },
    send: [
      tell(staff.resource, {
        type: 'resource.settle',
        settlements: grants.map(({ holder, token, credit }) =>
          unsettledOf(holder, {
            tokens: token === undefined ? [] : [token],
            returned: credit.bytes,
          }),
        ),
      }),
    ],
  };
}

/** No task is left: sources and sinks close, undelivered blocks are let go of. */
export function close(
  { staff, ending }: SupervisorContext,
  _event: unknown,
  self: SupervisorAddress,
): SupervisorStep {
  const outcome = ending?.outcome ?? 'done';
  const reason = reasonOf(ending);
  return {
    send: [
      tell(staff.outlet, { type: 'outlet.close', outcome, reason, replyTo: self }),
      tell(staff.runner, { type: 'runner.close', outcome, reason, replyTo: self }),
    ],
  };
}

/** Takes note of what went wrong while sources and sinks closed. */
export function noteClosed(
  { ending, laterErrors }: SupervisorContext,
  { now, failures }: EventOf<'runner.closed'>,
): SupervisorStep {
  const [first, ...others] = failures;
  // A sink that cannot commit turns a run that was done into one that failed.
  const isFirstCause = first !== undefined && ending?.outcome !== 'failed';
  const later = isFirstCause ? others : failures;
  return {
    context: {
      now,
      laterErrors: [...laterErrors, ...later.map(({ error }) => error)],
      ending: isFirstCause
        ? {
            outcome: 'failed',
            operator: first.operator,
            failure: { error: first.error, attempt: 1, lineage: '' },
          }
        : ending,
    },
  };
}

export function noteDelivered(): SupervisorStep {
  return { context: { delivered: true } };
}

/** A cancel while the run closes: nothing is waited for any more that only its consumer wants. */
export function abandon(
  { staff, ending }: SupervisorContext,
  { reason }: EventOf<'run.cancel'>,
  self: SupervisorAddress,
): SupervisorStep {
  if (ending?.outcome === 'cancelled') return {};
  return {
    context: { abandoning: true },
    send: [
      tell(staff.outlet, { type: 'outlet.abandon', reason, replyTo: self }),
      tell(staff.runner, { type: 'runner.abandon', reason }),
    ],
  };
}

/** A run from whose consumer blocks were taken was not done, but cancelled. */
export function noteAbandoned(
  { ending }: SupervisorContext,
  { blocks, reason }: EventOf<'outlet.abandoned'>,
): SupervisorStep {
  const isCancelled = blocks > 0 && ending?.outcome !== 'failed';
  return {
    context: {
      abandoning: false,
      ending: isCancelled ? { outcome: 'cancelled', reason } : ending,
    },
  };
}

/** Asks the store for the last freed bytes, so that the ledger closes at zero. */
export function askForFreed(
  { staff }: SupervisorContext,
  _event: unknown,
  self: SupervisorAddress,
): SupervisorStep {
  return {
    context: { awaited: 1 },
    send: [tell(staff.store, { type: 'store.poll', replyTo: self })],
  };
}

export function settleFreed(
  { staff, awaited }: SupervisorContext,
  { released, spill }: EventOf<'store.report'>,
): SupervisorStep {
  const settlements = [...released].map(([holder, bytes]) =>
    unsettledOf(holder, { released: bytes }),
  );
  return {
    context: { awaited: awaited - 1, spill },
    send: [tell(staff.resource, { type: 'resource.settle', settlements })],
  };
}

/** No operator has anything left, and no answer is on its way. */
export function isQuiet({ views, awaited, asked }: SupervisorContext): boolean {
  return awaited === 0 && asked.length === 0 && views.every(({ over }) => over);
}

function reasonOf(ending: Ending | undefined): unknown {
  if (ending?.outcome === 'cancelled') return ending.reason;
  return ending?.outcome === 'failed' ? ending.failure.error : undefined;
}
