/**
 * The last phase of a cycle: ask the ranking policy for an order, the resource actor for tokens in one
 * batched message, and send what was granted.
 */
import { fromMilli } from '../amounts.ts';
import { describe, RunError } from '../errors.ts';
import { draftView } from '../operator/operator.drafts.ts';
import type { CreditGrant, OperatorView, TaskGrant } from '../operator/operator.protocol.ts';
import type { OperatorPlan } from '../plan.ts';
import type { Grant, Request } from '../resource/ledger.ts';
import { tell, type Message } from '../xstate.ts';
import {
  creditBytes,
  draftContext,
  isWellFed,
  localDenial,
  planOf,
  replace,
  roomToMake,
  tellOperator,
  viewAt,
  type EventOf,
  type SupervisorContext,
  type SupervisorStep,
} from './supervisor.context.ts';
import type { SupervisorAddress } from './supervisor.protocol.ts';
import { REFILL } from './supervisor.ending.ts';
import { keepAlive } from './supervisor.liveness.ts';

/** Blocks of credit a task gets at most at a time, so that one message serves many yields. */
const MAX_CREDIT = 64;

/** A task of small blocks is worth its cost from so many milliseconds on. */
const SHORT_TASK_MS = 2;

/** Asks for everything that could start or go on, best first. */
export function request(context: SupervisorContext): SupervisorStep {
  const { staff, now, views } = context;
  const send: Message[] = [];
  let { told } = context;
  for (const view of views) {
    const denial = localDenial(context, view);
    if (denial === undefined || told[view.index] === denial.limit) continue;
    told = replace(told, view.index, denial.limit);
    send.push(tellOperator(context, view.index, { type: 'operator.denied', denial, now }));
  }
  let tasks: Request[];
  let { passedOver } = context;
  try {
    [tasks, passedOver] = taskRequests(context);
  } catch (cause) {
    return rankingFailed(cause);
  }
  const wanted = [...creditRequests(context), ...tasksOfStep(context, tasks)];
  const step = wanted.length > 0 ? { context: { asked: wanted } } : keepAlive(context);
  const asked = step.context?.asked ?? [];
  if (asked.length > 0) {
    send.push(tell(staff.resource, { type: 'resource.request', requests: asked, now }));
  }
  return { context: { asked, told, passedOver, ...step.context }, send };
}

/** When one task is stepped, no other starts. */
function tasksOfStep(
  { stepping, stepTask }: SupervisorContext,
  tasks: readonly Request[],
): readonly Request[] {
  if (stepping !== 'under way' || stepTask === undefined) return tasks;
  const { operator } = stepTask;
  return tasks.filter(({ holder }) => operator === undefined || holder === operator).slice(0, 1);
}

/** The policy is the user's function, and the only one a chart calls. */
function rankingFailed(cause: unknown): SupervisorStep {
  const error = new RunError(`the ranking policy failed: ${describe(cause)}`, { cause });
  const failure = { error, attempt: 1, lineage: '' };
  return { context: { asked: [], ending: { outcome: 'failed', operator: 0, failure } } };
}

/** Sends what was granted, and tells who was refused why. */
export function dispatch(
  context: SupervisorContext,
  decision: EventOf<'resource.decision'>,
  self: SupervisorAddress,
): SupervisorStep {
  const { grants, refusals, refillAt, liveBytes } = decision;
  const { asked, now, staff } = context;
  const send: Message[] = [];
  let { told } = context;
  const next = draftContext(context);

  for (const plan of context.plan.operators) {
    const own = grants.filter(({ holder }) => holder === plan.index);
    const refusal = refusals.find(({ holder }) => holder === plan.index);
    if (own.length === 0 && refusal === undefined) continue;
    const view = viewAt(next.views, plan.index);
    const tasks = own.filter(({ token }) => token !== undefined);
    const credits = own.filter(({ token }) => token === undefined);
    const after = withGrants(view, plan, tasks, credits);
    next.views = replace(next.views, plan.index, after);
    const denial = refusal?.denial ?? localDenial(next, after);
    if (credits.length > 0) {
      const creditGrants = credits.flatMap((grant) => creditGrant(view, grant));
      send.push(
        tellOperator(context, plan.index, { type: 'operator.credit', grants: creditGrants }),
      );
    }
    if (tasks.length > 0) {
      const taskGrants = tasks.map((grant) => taskGrant(view, grant));
      send.push(
        tellOperator(context, plan.index, {
          type: 'operator.dispatch',
          grants: taskGrants,
          denial,
          now,
        }),
      );
      // Credit made the operator forget what it had been told.
    } else if (denial !== undefined && (credits.length > 0 || told[plan.index] !== denial.limit)) {
      send.push(tellOperator(context, plan.index, { type: 'operator.denied', denial, now }));
    }
    told = replace(told, plan.index, denial?.limit);
  }

  next.told = told;
  next.liveBytes = liveBytes;
  next.asked = [];
  next.refilling = refillAt !== undefined;
  const alive =
    grants.length > 0
      ? { context: { asked: [], fruitless: 0 } }
      : keepAlive(next, wasForced(asked));
  const forced = alive.context?.asked ?? [];
  if (forced.length > 0) {
    send.push(tell(staff.resource, { type: 'resource.request', requests: forced, now }));
  }
  if (refillAt !== undefined) {
    send.push(
      tell(staff.clock, {
        type: 'clock.wake',
        key: REFILL,
        delay: Math.max(0, refillAt - now),
        event: { type: 'resource.refilled' },
        replyTo: self,
      }),
    );
  }
  return { context: Object.assign(next, alive.context), send };
}

function wasForced(asked: readonly Request[]): boolean {
  return asked.some(({ forced }) => forced === true);
}

/** Credit for the tasks that hold, the most downstream operators first. */
function creditRequests(context: SupervisorContext): Request[] {
  const requests: Request[] = [];
  const views = context.views.filter(({ holding }) => holding.length > 0);
  for (const view of [...views].sort((a, b) => a.depth - b.depth)) {
    const plan = planOf(context, view.index);
    const free = roomToMake(context, plan);
    let room = free - view.creditBlocks - view.parkedBlocks;
    const size = creditBytes(context, view);
    const canWait = isWellFed(context, plan);
    for (const { slot, task, missing } of view.holding) {
      // In ordered mode only the oldest task's blocks can leave: it takes precedence over all others.
      const isNext = plan.preserveOrder && task === view.oldestTask;
      if (canWait && missing.blocks > 0 && !isNext) continue;
      const own = isNext ? free : room;
      // A block that is made already waits for bytes alone: it has its place in the queue.
      const wanted = Math.max(missing.blocks, Math.min(MAX_CREDIT, own));
      if (missing.blocks > 0 && own < missing.blocks) continue;
      requests.push({
        holder: view.index,
        slot,
        // What a task has left counts against the next block: `missing.bytes` is negative then.
        firstBytes: Math.max(0, missing.bytes + (missing.blocks > 0 ? size : 0)),
        blockBytes: size,
        blocks: wanted,
        keepBytes: plan.preserveOrder && !isNext ? size : 0,
      });
      room -= wanted;
    }
  }
  return requests;
}

/**
 * Tokens for new tasks: asks the policy again and again, counting each as if it were granted. Also
 * says how often each operator has been passed over since.
 */
function taskRequests(context: SupervisorContext): [Request[], readonly number[]] {
  const requests: Request[] = [];
  let { views, passedOver } = context;
  const free = freeAmounts(context);
  const beyond = new Set<number>();
  for (;;) {
    const candidates = views.filter((view) => !beyond.has(view.index) && canStart(context, view));
    if (candidates.length === 0) return [requests, passedOver];
    const first = choose(context, candidates, views, passedOver);
    passedOver = passedOver.map((times, index) => {
      if (index === first.index) return 0;
      return candidates.some((view) => view.index === index) ? times + 1 : times;
    });
    const plan = planOf(context, first.index);
    const tasks = tasksToStart(first, plan, free);
    const inputs = clamp(Math.ceil(first.startable / tasks), 1, first.bundle);
    const blocks = creditFor(context, plan, first, inputs, tasks);
    const size = creditBytes(context, first);
    requests.push({
      holder: first.index,
      needs: plan.needs,
      firstBytes: plan.kind === 'sink' ? 0 : size,
      blockBytes: size,
      blocks,
      inputs,
      keepBytes: plan.preserveOrder && first.active > 0 ? size : 0,
    });
    views = replace(views, first.index, withTask(first, plan, inputs, blocks));
    // One request beyond what is free is enough to learn why no more may start.
    for (const [name, amount] of Object.entries(plan.needs)) {
      const left = (free[name] ?? 0) - amount;
      free[name] = left;
      if (left < 0) beyond.add(first.index);
    }
  }
}

/**
 * Who goes first: the policy's choice, unless somebody has been passed over so often that it would
 * never have its turn. Ties go to the operator that has started the fewest tasks.
 */
function choose(
  { ranking, plan }: SupervisorContext,
  candidates: readonly OperatorView[],
  views: readonly OperatorView[],
  passedOver: readonly number[],
): OperatorView {
  const [only, ...others] = candidates;
  if (only !== undefined && others.length === 0) return only;
  const patience = 2 * plan.operators.length;
  const neglected = candidates.find(({ index }) => (passedOver[index] ?? 0) >= patience);
  if (neglected !== undefined) return neglected;
  const started = ({ done, active }: OperatorView): number => done + active;
  const [first] = ranking(
    [...candidates].sort((a, b) => started(a) - started(b)),
    views,
  );
  if (first !== undefined && candidates.includes(first)) return first;
  throw new TypeError('it did not return the candidates in an order');
}

function canStart(context: SupervisorContext, view: OperatorView): boolean {
  return (
    (view.startable > 0 || view.wantsFlush) &&
    view.freeSlots > 0 &&
    roomToMake(context, planOf(context, view.index)) > view.parkedBlocks
  );
}

/**
 * How many tasks of an operator should start together: as many as fit, with full bundles. Where tasks
 * are to be long, in threads, they may be shorter when all threads get something that way.
 */
function tasksToStart(
  { startable, bundle, freeSlots }: OperatorView,
  { needs, taskMs }: OperatorPlan,
  free: Readonly<Record<string, number>>,
): number {
  const least = Math.ceil(bundle * Math.min(1, SHORT_TASK_MS / taskMs));
  const fits = Object.entries(needs).map(([name, amount]) =>
    amount === 0 ? Infinity : Math.floor((free[name] ?? 0) / amount),
  );
  return Math.max(1, Math.min(freeSlots, Math.ceil(startable / least), ...fits));
}

/** Blocks of credit to start with: what the task should make, as far as there is room behind it. */
function creditFor(
  context: SupervisorContext,
  plan: OperatorPlan,
  view: OperatorView,
  inputs: number,
  tasks: number,
): number {
  if (plan.kind === 'sink') return 0;
  const wanted =
    plan.kind === 'source' || plan.serial
      ? MAX_CREDIT
      : Math.ceil(inputs * Math.max(1, view.outputRatio));
  const room = roomToMake(context, plan) - view.parkedBlocks - view.creditBlocks;
  // The first block needs no room beyond that which let the task start.
  return clamp(Math.min(wanted, Math.ceil(room / tasks)), 1, MAX_CREDIT);
}

/** The view once a task has started that takes `inputs` blocks and may make `outputs`. */
function withTask(
  view: OperatorView,
  plan: OperatorPlan,
  inputs: number,
  outputs: number,
): OperatorView {
  const next = draftView(view);
  next.active += 1;
  next.freeSlots -= 1;
  next.startable = plan.serial ? 0 : Math.max(0, view.startable - inputs);
  next.queuedBlocks = Math.max(0, view.queuedBlocks - inputs);
  if (view.queuedPerPort.length === 1) next.queuedPerPort = [next.queuedBlocks];
  next.creditBlocks += outputs;
  next.wantsFlush = false;
  next.memoryInUse += fromMilli(plan.needs['memory'] ?? 0);
  return next;
}

function withGrants(
  view: OperatorView,
  plan: OperatorPlan,
  tasks: readonly Grant[],
  credits: readonly Grant[],
): OperatorView {
  let next = view;
  for (const grant of tasks)
    next = withTask(next, plan, inputsOf(next, grant), grant.credit.blocks);
  if (credits.length === 0) return next;
  const fed = new Set(credits.map(({ slot }) => slot));
  const fedView = draftView(next);
  fedView.holding = next.holding.filter(({ slot }) => !fed.has(slot));
  for (const { credit } of credits) fedView.creditBlocks += credit.blocks;
  return fedView;
}

/** A task takes no more than it has credit for: while it waits for room, its token is of no use. */
function inputsOf({ bundle, outputRatio }: OperatorView, { credit, inputs = 1 }: Grant): number {
  if (credit.blocks === 0) return inputs;
  const covered = Math.floor(credit.blocks / Math.max(outputRatio, 1 / bundle));
  return clamp(covered, 1, inputs);
}

function taskGrant(view: OperatorView, grant: Grant): TaskGrant {
  const { token, credit } = grant;
  if (token === undefined) throw new Error('a task grant has a token');
  return { token, credit, blocks: inputsOf(view, grant) };
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}

function creditGrant(view: OperatorView, { slot, credit }: Grant): CreditGrant[] {
  const holding = view.holding.find((task) => task.slot === slot);
  return slot === undefined || holding === undefined ? [] : [{ slot, task: holding.task, credit }];
}

/** What the budget has left, by what the operators have running. Rates are left to the resource actor. */
function freeAmounts({ budget, plan, views }: SupervisorContext): Record<string, number> {
  const free: Record<string, number> = {};
  for (const [name, limit] of Object.entries(budget.resources)) {
    free[name] = 'amount' in limit ? limit.amount : Infinity;
  }
  for (const { index, needs } of plan.operators) {
    const { active } = viewAt(views, index);
    for (const [name, amount] of Object.entries(needs)) {
      free[name] = (free[name] ?? 0) - active * amount;
    }
  }
  return free;
}
