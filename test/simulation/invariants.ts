/**
 * What must hold after every event of a simulated run, however it goes. The letters are those of
 * docs/reliability.md.
 */
import { queueLimit } from '../../machines/queue-limit.ts';
import type { AnyActorRef } from 'xstate';
import { storeUsage } from '../../actors/world.ts';
import {
  activeTasks,
  holdingTasks,
  isEnding,
  startableBlocks,
  wantsFlush,
  type OperatorContext,
} from '../../machines/operator/operator.context.ts';
import { type SupervisorContext } from '../../machines/supervisor/supervisor.context.ts';
import type { TaskContext } from '../../machines/task/task.context.ts';
import type { ResourceContext } from '../../machines/resource/resource.machine.ts';
import { floorBytes, usedBytes } from '../../machines/resource/ledger.ts';
import { CONSUMER } from '../../machines/plan.ts';
import type { Protocol } from './protocol.ts';

interface Chart<TContext> {
  readonly value: unknown;
  readonly status: string;
  readonly context: TContext;
  readonly children: Readonly<Record<string, AnyActorRef>>;
}

/** What an observer of one run keeps from event to event. */
export interface Watch {
  /** Checks everything that must hold now. Throws an error that names what does not. */
  readonly check: () => void;
  /** What has been the case at least once. */
  readonly seen: Set<string>;
}

const TERMINAL = ['completed', 'failed', 'cancelled'];

export function watchRun(
  supervisor: AnyActorRef,
  blockBytes: number,
  { forced }: Pick<Protocol, 'forced'>,
  /** Bytes of blocks that the consumer has and keeps. */
  keptBytes: () => number,
  /** Whether blocks go to disk, and come back. */
  spills: boolean,
): Watch {
  const seen = new Set<string>();
  const ended = new Map<string, string>();
  let budgets = [blockBytes];
  let wasLowered = false;
  let last: SupervisorContext['budget'] | undefined;

  function fail(invariant: string, what: string): never {
    throw new Error(`${invariant}: ${what}`);
  }

  function check(): void {
    const root = supervisor.getSnapshot() as Chart<SupervisorContext>;
    if (root.status !== 'active') return;
    const { staff, plan, budget } = root.context;
    budgets = [...new Set([...budgets, budget.blockBytes])];
    wasLowered ||= last !== undefined && last !== budget;
    last = budget;
    const resource = chartOf<ResourceContext>(staff.resource);
    const operators = staff.operators.map((operator) => chartOf<OperatorContext>(operator));

    checkLedger(resource.context, operators);
    checkBytes(resource.context, operators);
    for (const operator of operators) checkOperator(operator);
    for (const operator of operators) checkQueue(operator, operators);
    if (isAtRest(root)) for (const operator of operators) checkExplained(operator);

    const children = Object.keys(root.children).length;
    if (children > plan.operators.length + 5)
      fail('S14', `${String(children)} children of the run`);
  }

  function checkLedger(
    { ledger }: ResourceContext,
    operators: readonly Chart<OperatorContext>[],
  ): void {
    const used: Record<string, number> = {};
    for (const { holder, needs } of ledger.tokens.values()) {
      for (const [name, amount] of Object.entries(needs)) used[name] = (used[name] ?? 0) + amount;
      if (operators[holder] === undefined) fail('S2', `token of nobody: ${String(holder)}`);
    }
    for (const [name, line] of Object.entries(ledger.resources)) {
      if (line.kind === 'rate') {
        if (line.level < 0 || Number.isNaN(line.level)) fail('S1', `rate ${name} is overdrawn`);
        continue;
      }
      if (line.used !== (used[name] ?? 0))
        fail('S1', `${name}: booked ${String(line.used)}, out ${String(used[name])}`);
      if (line.used <= line.total) continue;
      seen.add('over budget');
      const isExcused = wasLowered || [...ledger.tokens.keys()].some((token) => forced.has(token));
      if (!isExcused) fail('S1', `${name}: ${String(line.used)} out of ${String(line.total)}`);
    }
    operators.forEach(({ context }, index) => {
      const held = [...ledger.tokens.values()].filter(({ holder }) => holder === index).length;
      const known = activeTasks(context) + context.unsettled.tokens.length;
      // A grant may be on its way only within an event, and this is between two.
      if (held !== known)
        fail('S2', `${context.plan.name} has ${String(held)} tokens for ${String(known)} tasks`);
    });
  }

  function checkBytes(
    { ledger }: ResourceContext,
    operators: readonly Chart<OperatorContext>[],
  ): void {
    const root = supervisor.getSnapshot() as Chart<SupervisorContext>;
    for (const account of ledger.accounts) {
      const { reserved, live, tokens } = account;
      if (reserved < 0 || live < 0 || tokens < 0)
        fail('S1', `negative account ${JSON.stringify(account)}`);
      if (![reserved, live].every(Number.isFinite)) fail('S1', 'an account is no number');
    }
    const { bytes, largestBytes } = storeUsage(root.context.staff.store);
    // One block for the liveness rule, and one that was made already when a budget was lowered. Where
    // an operator's floor does not hold a block, each task, and each operator that gathers, lives on
    // the liveness rule.
    const tasks = operators.reduce((sum, { context }) => sum + activeTasks(context), 0);
    const floor = floorBytes(root.context.budget.blockBytes, operators.length);
    const lacksFloor = floor < largestBytes ? tasks + operators.length : 0;
    // What was spilled comes back for the tasks that take it, and for the consumer.
    const loaded = spills
      ? operators.reduce((sum, { children }) => sum + inputsOf(children), 1)
      : 0;
    const extra = lacksFloor + loaded + 2;
    // Who keeps blocks and waits for more makes the liveness rule go on without them.
    const bound = Math.max(...budgets) + extra * largestBytes + keptBytes();
    if (bytes > bound) fail('S8', `${String(bytes)} live bytes, the bound is ${String(bound)}`);
    if (usedBytes(ledger) > root.context.budget.blockBytes) seen.add('bytes overdrawn');
  }

  function checkOperator({ context, value, children }: Chart<OperatorContext>): void {
    const { plan, inputs, slots, outputs, order } = context;
    const state = String(value);
    const before = ended.get(plan.name);
    if (before !== undefined && before !== state)
      fail('S11', `${plan.name} was ${before} and is ${state}`);
    if (TERMINAL.includes(state)) ended.set(plan.name, state);
    if (activeTasks(context) > plan.slots) fail('S1', `${plan.name} runs too many tasks`);
    if (Object.keys(children).length > plan.slots)
      fail('S14', `${plan.name} has too many children`);
    const waiting = inputs.reduce((sum, { blocks }) => sum + blocks, 0);
    if (TERMINAL.includes(state) && (waiting > 0 || activeTasks(context) > 0)) {
      fail('L3', `${plan.name} is ${state} with work left`);
    }
    for (const running of slots) {
      if (running === undefined) continue;
      if (running.creditBlocks < 0) fail('S8', `${plan.name} has overspent its credit`);
      if (running.missing !== undefined)
        seen.add(running.missing.blocks > 0 ? 'held before' : 'held after');
    }
    if (plan.preserveOrder) {
      const parked = order.reduce((sum, { refs }) => sum + refs.length, 0);
      if (parked > 0) seen.add('parked for order');
      if (order[0] !== undefined && order[0].refs.length > 0)
        fail('S10', 'the next in order is kept back');
    }
    // What a queue may hold over its limit: a block for each task that was running when it was reached.
    const limit =
      (plan.queueBlocks ?? queueLimit({ active: plan.slots, bundle: 64 })) + plan.slots * 64;
    if (outputs.blocks > limit) fail('S9', `${plan.name} keeps ${String(outputs.blocks)} outputs`);
    for (const other of ['backpressured', 'draining', 'running', 'ready', 'idle']) {
      if (state === other) seen.add(`operator ${other}`);
    }
  }

  /** A queue limit that was set is kept, but for one block of each task that was running by then. */
  function checkQueue(
    { context }: Chart<OperatorContext>,
    operators: readonly Chart<OperatorContext>[],
  ): void {
    const { plan, outputs } = context;
    const { queueBlocks, route } = plan;
    if (queueBlocks === undefined || plan.serial || route.kind !== 'to') return;
    if (route.operator === CONSUMER) return;
    const feeders = operators.filter((other) =>
      other.context.plan.destinations.some(({ operator }) => operator === route.operator),
    );
    if (feeders.length > 1) return;
    const receiver = operators[route.operator]?.context;
    const waiting = outputs.blocks + (receiver?.inputs[route.port]?.blocks ?? 0);
    // In order, the oldest task may fill the queue although others have blocks on credit.
    const limit = (plan.preserveOrder ? 2 : 1) * queueBlocks + plan.slots;
    if (waiting > queueBlocks) seen.add('queue over its limit');
    if (waiting > limit) fail('S9', `${String(waiting)} blocks wait behind ${plan.name}`);
  }

  /** Whoever waits and does not run knows why. */
  function checkExplained({ context }: Chart<OperatorContext>): void {
    const { plan, denial } = context;
    const waits = startableBlocks(context) > 0 || wantsFlush(context) || holdingTasks(context) > 0;
    const runs = activeTasks(context) > holdingTasks(context);
    if (!waits || runs || isEnding(context) || denial !== undefined) return;
    fail('E1', `${plan.name} waits and nobody knows why`);
  }

  return { check, seen };
}

/** Blocks that the tasks of an operator have taken and not let go of. */
function inputsOf(tasks: Readonly<Record<string, AnyActorRef>>): number {
  let blocks = 0;
  for (const task of Object.values(tasks))
    blocks += chartOf<TaskContext>(task).context.inputs.length;
  return blocks;
}

/** Between two cycles, with nothing to be done in the next. */
function isAtRest({ value, context }: Chart<SupervisorContext>): boolean {
  const { changed, stirred, loosened, cycleAsked } = context;
  return (
    (value as { running?: unknown }).running === 'waiting' &&
    changed.length === 0 &&
    !stirred &&
    !loosened.bytes &&
    !cycleAsked
  );
}

function chartOf<TContext>(actor: AnyActorRef): Chart<TContext> {
  return actor.getSnapshot() as Chart<TContext>;
}
