/** What the supervisor knows: the operators as they last reported, and what it has done since. */
import type { BlockRef } from '../block.ts';
import type { Denial } from '../denial.ts';
import type { Draft } from '../draft.ts';
import type { OutletReport, SpillReport } from '../hands.protocol.ts';
import type { OperatorEvent, OperatorReply, OperatorView } from '../operator/operator.protocol.ts';
import { CONSUMER, type OperatorPlan, type Plan, type Route } from '../plan.ts';
import { queueLimit } from '../queue-limit.ts';
import type { RankingPolicy } from '../ranking.ts';
import { targetBlockBytes, type LedgerBudget, type Request } from '../resource/ledger.ts';
import type { TaskFailure } from '../task/task.protocol.ts';
import { tell, type Message, type Step } from '../xstate.ts';
import type { Staff, SupervisorEvent } from './supervisor.protocol.ts';

export type Report = Extract<OperatorReply, { type: 'operator.report' }>;
export type EventOf<TType extends SupervisorEvent['type']> = Extract<
  SupervisorEvent,
  { type: TType }
>;
export type SupervisorStep = Step<SupervisorContext>;

/** Why the run is ending, and how. */
export type Ending =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'cancelled'; readonly reason: unknown }
  | { readonly outcome: 'failed'; readonly operator: number; readonly failure: TaskFailure };

export interface SupervisorContext {
  readonly plan: Plan;
  readonly budget: LedgerBudget;
  readonly ranking: RankingPolicy;
  readonly staff: Staff;
  readonly startedAt: number;
  /** The run's clock when the current or last cycle began. */
  readonly now: number;
  readonly cycles: number;
  /** The operators as they last reported, corrected by what was sent to them since. */
  readonly views: readonly OperatorView[];
  /** Their last reports, for counters and shares of time. */
  readonly reports: readonly (Report | undefined)[];
  /** Operators that have changed since they were polled. */
  readonly changed: readonly number[];
  /** Something else has changed that calls for a cycle: the budget, a refilled rate, the end of a pause. */
  readonly stirred: boolean;
  /** What has changed that calls for a cycle only if somebody waits for it. */
  readonly loosened: Loosened;
  /** The clock has been asked for a cycle. */
  readonly cycleAsked: boolean;
  /** Reports that are still to come in this poll. */
  readonly awaited: number;
  /** Blocks that were polled and have not been moved yet. */
  readonly arrived: readonly { readonly from: number; readonly refs: readonly BlockRef[] }[];
  /** What the resource actor has not been told yet. */
  readonly unsettled: readonly Unsettled[];
  /** Blocks the consumer would take besides those it got. */
  readonly demand: number;
  /** Ports that have been told that nothing more comes, as `operator:port`. */
  readonly portsDone: readonly string[];
  /** Operators that have been told to stop. */
  readonly stopped: readonly number[];
  /** Operators whose account is closed. */
  readonly closed: readonly number[];
  /** The requests the resource actor is deciding about. */
  readonly asked: readonly Request[];
  /** Limit each operator was last told, to tell it only what is new. */
  readonly told: readonly (string | undefined)[];
  /** How often each operator could have started a task and another one was chosen, since its last. */
  readonly passedOver: readonly number[];
  /** A refused rate will refill and wake the run. */
  readonly refilling: boolean;
  /** Bytes of live blocks at the last decision. */
  readonly liveBytes: number;
  /** How the consumer was doing when it was last asked. */
  readonly consumer: Omit<OutletReport, 'type'>;
  /** How spilling went when the store was last asked. */
  readonly spill: SpillReport;
  /** Cycles in a row in which nothing happened although something waits and nothing runs. */
  readonly fruitless: number;
  readonly paused: boolean;
  /** One cycle in a pause: it has been asked for, or is under way. */
  readonly stepping: 'no' | 'asked' | 'under way';
  /** In that cycle at most one task starts: one of this operator, or of any. */
  readonly stepTask: { readonly operator: number | undefined } | undefined;
  /** Nothing more is read. */
  readonly stopping: boolean;
  /** The outlet has nothing left to do. */
  readonly delivered: boolean;
  /** It was told to let go of what it has left, and has not said what that was. */
  readonly abandoning: boolean;
  readonly ending: Ending | undefined;
  /** What went wrong while sources and sinks closed, after the first cause. */
  readonly laterErrors: readonly unknown[];
}

/** A copy to be changed while a decision is made. */
export function draftContext(context: SupervisorContext): Draft<SupervisorContext> {
  return {
    plan: context.plan,
    budget: context.budget,
    ranking: context.ranking,
    staff: context.staff,
    startedAt: context.startedAt,
    now: context.now,
    cycles: context.cycles,
    views: context.views,
    reports: context.reports,
    changed: context.changed,
    stirred: context.stirred,
    loosened: context.loosened,
    cycleAsked: context.cycleAsked,
    awaited: context.awaited,
    arrived: context.arrived,
    unsettled: context.unsettled,
    demand: context.demand,
    portsDone: context.portsDone,
    stopped: context.stopped,
    closed: context.closed,
    asked: context.asked,
    told: context.told,
    passedOver: context.passedOver,
    refilling: context.refilling,
    liveBytes: context.liveBytes,
    consumer: context.consumer,
    spill: context.spill,
    fruitless: context.fruitless,
    paused: context.paused,
    stepping: context.stepping,
    stepTask: context.stepTask,
    stopping: context.stopping,
    delivered: context.delivered,
    abandoning: context.abandoning,
    ending: context.ending,
    laterErrors: context.laterErrors,
  };
}

/** What has got looser since the last poll. */
export interface Loosened {
  /** Blocks were let go of. */
  readonly bytes: boolean;
  /** The consumer takes more. */
  readonly demand: boolean;
  /** The consumer has begun to wait, or is done with a dead letter. */
  readonly consumer: boolean;
}

export const nothingLoosened: Loosened = { bytes: false, demand: false, consumer: false };

export interface Unsettled {
  readonly holder: number;
  readonly tokens: readonly number[];
  readonly produced: number;
  readonly returned: number;
  readonly released: number;
  readonly closed: boolean;
}

export function unsettledOf(holder: number, parts: Partial<Unsettled>): Unsettled {
  return { holder, tokens: [], produced: 0, returned: 0, released: 0, closed: false, ...parts };
}

/** The view of an operator nothing has happened to. */
export function freshView({
  index,
  name,
  depth,
  ports,
  slots,
  targetBytes,
}: OperatorPlan): OperatorView {
  return {
    index,
    name,
    depth,
    queuedBlocks: 0,
    queuedBytes: 0,
    queuedPerPort: Array.from({ length: ports }, () => 0),
    startable: 0,
    wantsFlush: false,
    active: 0,
    holding: [],
    oldestTask: undefined,
    freeSlots: slots,
    outBlocks: 0,
    parkedBlocks: 0,
    creditBlocks: 0,
    done: 0,
    memoryInUse: 0,
    bundle: 1,
    blockSize: targetBytes,
    blockMs: undefined,
    outputRatio: 1,
    satisfied: false,
    over: false,
  };
}

export function planOf(context: SupervisorContext, operator: number): OperatorPlan {
  const plan = context.plan.operators[operator];
  if (plan === undefined) throw new Error(`no operator ${String(operator)}`);
  return plan;
}

export function viewAt(views: readonly OperatorView[], operator: number): OperatorView {
  const view = views[operator];
  if (view === undefined) throw new Error(`no operator ${String(operator)}`);
  return view;
}

/** Addresses a message to an operator by its index. */
export function tellOperator(
  { staff }: SupervisorContext,
  operator: number,
  event: OperatorEvent,
): Message {
  const to = staff.operators[operator];
  if (to === undefined) throw new Error(`no operator ${String(operator)}`);
  return tell(to, event);
}

export function replace<T>(items: readonly T[], index: number, item: T): readonly T[] {
  const next = [...items];
  next[index] = item;
  return next;
}

/** Blocks that can go down a route now, from an operator that lets `queueBlocks` wait at each end. */
export function roomOn(
  context: SupervisorContext,
  route: Route,
  queueBlocks: number | undefined,
): number {
  if (route.kind !== 'to') {
    const rooms = route.routes.map((part) => roomOn(context, part, queueBlocks));
    return route.kind === 'all'
      ? Math.min(Infinity, ...rooms)
      : rooms.reduce((sum, room) => sum + room, 0);
  }
  if (route.operator === CONSUMER) return context.demand;
  const receiver = viewAt(context.views, route.operator);
  // An operator that needs no more input lets go of what it gets: there is always room.
  if (receiver.satisfied) return Infinity;
  const limit = queueBlocks ?? queueLimit(receiver);
  return Math.max(0, limit - (receiver.queuedPerPort[route.port] ?? 0));
}

/**
 * Blocks an operator may make before it has to wait for those that follow it. Blocks that wait for
 * their turn in ordered mode do not count: what they wait for must always find room.
 */
export function roomToMake(context: SupervisorContext, plan: OperatorPlan): number {
  if (plan.kind === 'sink') return Infinity;
  const view = viewAt(context.views, plan.index);
  // Output for the consumer waits in the operator's own queue until it is asked for.
  const ahead = feedsConsumer(plan) ? (plan.queueBlocks ?? queueLimit(view)) : 0;
  return roomOn(context, plan.route, plan.queueBlocks) + ahead - view.outBlocks;
}

/**
 * Whether an operator's tasks may be left waiting for room although there is some: all that take its
 * outputs are at work, and have more than half of what may wait for them. Room that is given out bit by
 * bit costs a cycle for each bit. Whoever has said how far an operator may run ahead wants it to.
 */
export function isWellFed({ views }: SupervisorContext, plan: OperatorPlan): boolean {
  if (plan.queueBlocks !== undefined) return false;
  return plan.destinations.every(({ operator, port }) => {
    if (operator === CONSUMER) return false;
    const receiver = viewAt(views, operator);
    const { active, holding, queuedPerPort, satisfied } = receiver;
    const isAtWork = !satisfied && active > holding.length;
    return isAtWork && (queuedPerPort[port] ?? 0) > queueLimit(receiver) / 2;
  });
}

/** Bytes of credit to ask for one more block: what is to be expected, as far as the budget likes it. */
export function creditBytes(
  { budget, plan }: SupervisorContext,
  { blockSize }: OperatorView,
): number {
  return Math.min(blockSize, targetBlockBytes(budget.blockBytes, plan.operators.length));
}

/** Whether a task is under way that does not wait for credit: it will have something to report. */
export function somebodyRuns(views: readonly OperatorView[]): boolean {
  return views.some(({ active, holding }) => active > holding.length);
}

export function feedsConsumer({ destinations }: OperatorPlan): boolean {
  return destinations.some(({ operator }) => operator === CONSUMER);
}

/** What keeps an operator from starting, of the limits that are not the resource actor's. */
export function localDenial(context: SupervisorContext, view: OperatorView): Denial | undefined {
  const { now } = context;
  const waits = view.startable > 0 || view.wantsFlush;
  if (!waits && view.holding.length === 0) return undefined;
  const plan = planOf(context, view.index);
  // What waits for its turn is in the way of new blocks, but not of those it waits for.
  const isNextHeld = view.holding.some(({ task }) => task === view.oldestTask);
  const free = roomToMake(context, plan) - (isNextHeld ? 0 : view.parkedBlocks);
  const isLeftWaiting =
    view.holding.length > 0 && !(plan.preserveOrder && isNextHeld) && isWellFed(context, plan);
  if (free <= 0 || isLeftWaiting) {
    const limit = feedsConsumer(plan) ? 'demand' : 'queue';
    return { limit, asked: 1, free: 0, since: now };
  }
  if (waits && view.freeSlots === 0) {
    return { limit: 'maxConcurrency', asked: 1, free: 0, since: now };
  }
  return undefined;
}
