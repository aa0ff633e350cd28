/** What must hold in every state of the model, messages on their way included. */
import type { OperatorContext } from '../../machines/operator/operator.context.ts';
import { queued } from '../../machines/queue.ts';
import type { Grant, Settlement } from '../../machines/resource/ledger.ts';
import type { ResourceContext } from '../../machines/resource/resource.machine.ts';
import type { SupervisorContext } from '../../machines/supervisor/supervisor.context.ts';
import type { TaskContext } from '../../machines/task/task.context.ts';
import type { BlockRef } from '../../machines/block.ts';
import type { TaskGrant } from '../../machines/operator/operator.protocol.ts';
import type { Message } from './charts.ts';
import type { ModelConfig } from './config.ts';
import type { ModelState } from './explore.ts';
import { blockKey, SUPERVISOR } from './world.ts';

function fail(invariant: string, what: string): never {
  throw new Error(`${invariant}: ${what}`);
}

interface Parts {
  readonly supervisor: SupervisorContext;
  readonly resource: ResourceContext;
  readonly operators: readonly OperatorContext[];
  readonly tasks: readonly TaskContext[];
  readonly messages: readonly Message[];
}

function partsOf({ charts, channels }: ModelState): Parts {
  const contexts = (depth: number): unknown[] =>
    [...charts].flatMap(([path, { context }]) =>
      path.split('/').length === depth ? [context] : [],
    );
  return {
    supervisor: charts.get(SUPERVISOR)?.context as unknown as SupervisorContext,
    resource: charts.get(`${SUPERVISOR}/resource`)?.context as unknown as ResourceContext,
    operators: contexts(2).filter((context) => 'slots' in (context as object)) as OperatorContext[],
    tasks: contexts(3) as TaskContext[],
    messages: [...channels.values()].flat(),
  };
}

export function checkState(state: ModelState): void {
  for (const [path, { status, error }] of state.charts) {
    if (status === 'error') fail('S12', `${path} has erred: ${String(error)}`);
  }
  const parts = partsOf(state);
  checkLedger(parts);
  if (state.charts.get(SUPERVISOR)?.status !== 'active') return;
  checkTokens(parts);
  checkHolders(state, parts);
  checkOperators(parts);
}

function checkLedger({ resource: { ledger } }: Parts): void {
  const used: Record<string, number> = {};
  for (const { needs } of ledger.tokens.values()) {
    for (const [name, amount] of Object.entries(needs)) used[name] = (used[name] ?? 0) + amount;
  }
  for (const [name, line] of Object.entries(ledger.resources)) {
    if (line.kind === 'amount' && line.used !== (used[name] ?? 0))
      fail('S1', `${name} is booked wrong`);
  }
  for (const { reserved, live, tokens } of ledger.accounts) {
    if (reserved < 0 || tokens < 0)
      fail('S1', `an account is below zero: ${String(reserved)}, ${String(live)}`);
  }
}

/** Each token that is out is in exactly one place: on its way, with a task, or on its way back. */
function checkTokens({ supervisor, resource, operators, messages }: Parts): void {
  const places = new Map<number, number>();
  const see = (token: number | undefined): void => {
    if (token !== undefined) places.set(token, (places.get(token) ?? 0) + 1);
  };
  for (const { slots, unsettled } of operators) {
    for (const running of slots) see(running?.token);
    unsettled.tokens.forEach(see);
  }
  for (const { tokens } of supervisor.unsettled) tokens.forEach(see);
  for (const message of messages) {
    switch (message.type) {
      case 'resource.decision':
      case 'operator.dispatch':
        for (const { token } of message['grants'] as readonly (Grant | TaskGrant)[]) see(token);
        break;
      case 'operator.report':
        (message['tokens'] as readonly number[]).forEach(see);
        break;
      case 'resource.settle':
        for (const { tokens } of message['settlements'] as readonly Settlement[])
          tokens.forEach(see);
        break;
    }
  }
  for (const [token, count] of places) {
    if (!resource.ledger.tokens.has(token))
      fail('S2', `token ${String(token)} is used after its release`);
    if (count > 1) fail('S2', `token ${String(token)} is in ${String(count)} places`);
  }
  for (const token of resource.ledger.tokens.keys()) {
    if (!places.has(token)) fail('S2', `token ${String(token)} is lost`);
  }
}

/** Each block has as many holders as the store counts, messages on their way included. */
function checkHolders({ world }: ModelState, parts: Parts): void {
  const { supervisor, operators, tasks, messages } = parts;
  const holders = new Map<string, number>();
  const hold = (refs: readonly BlockRef[] = []): void => {
    for (const ref of refs) holders.set(blockKey(ref), (holders.get(blockKey(ref)) ?? 0) + 1);
  };
  for (const { inputs, outputs, order } of operators) {
    for (const queue of [...inputs, outputs]) hold(queued(queue));
    for (const { refs } of order) hold(refs);
  }
  for (const { inputs } of tasks) hold(inputs);
  for (const { refs } of supervisor.arrived) hold(refs);
  hold(world.delivered);
  for (const message of messages) {
    const { refs, outputs, job, splits } = message as Message & {
      readonly refs?: readonly BlockRef[];
      readonly outputs?: readonly BlockRef[];
      readonly job?: { readonly inputs: readonly BlockRef[] };
      readonly splits?: ReadonlyMap<number, readonly BlockRef[]>;
    };
    hold(refs);
    hold(outputs);
    hold(job?.inputs);
    for (const some of splits?.values() ?? []) hold(some);
  }
  for (const [key, { holders: counted }] of world.blocks) {
    const actual = holders.get(key) ?? 0;
    if (actual !== counted)
      fail(
        'S13',
        `block ${key}: the store counts ${String(counted)} holders, there are ${String(actual)}`,
      );
  }
  for (const key of holders.keys()) {
    if (!world.blocks.has(key)) fail('S13', `block ${key} is held after its end`);
  }
}

function checkOperators({ operators }: Parts): void {
  for (const { plan, slots, order } of operators) {
    const active = slots.filter((running) => running !== undefined).length;
    if (active > plan.slots) fail('S1', `${plan.name} runs ${String(active)} tasks`);
    if (plan.preserveOrder && order[0] !== undefined && order[0].refs.length > 0) {
      fail('S10', `${plan.name} keeps back what is next in order`);
    }
  }
}

/** No token and no credit is out, and what counts as live is what the consumer let go of after the end. */
function checkBooks({ ledger }: ResourceContext, released: ReadonlyMap<number, number>): void {
  if (ledger.tokens.size > 0) fail('S2', 'tokens are out at the end');
  ledger.accounts.forEach(({ reserved, live }, holder) => {
    if (reserved !== 0) fail('S1', `credit of ${String(reserved)} bytes is out at the end`);
    const late = released.get(holder) ?? 0;
    if (live !== late) fail('S1', `${String(live)} bytes are live at the end, not ${String(late)}`);
  });
}

/** Nothing can happen any more: the run must be over, and nothing be left. Returns how it ended. */
export function checkEnd(state: ModelState, config: ModelConfig): string {
  const supervisor = state.charts.get(SUPERVISOR);
  if (supervisor?.status === 'active')
    fail('L6', `a deadlock in ${JSON.stringify(supervisor.value)}`);
  const { resource, messages } = partsOf(state);
  const { world } = state;
  if (world.runs.length > 0) fail('L4', 'a run is still under way');
  if (world.alarms.size > 0) fail('L7', `alarms are left: ${[...world.alarms.keys()].join()}`);
  if (world.blocks.size > 0) fail('S13', `blocks are left: ${[...world.blocks.keys()].join()}`);
  const late = messages.filter(
    ({ type }) => type !== 'store.changed' && type !== 'consumer.demand',
  );
  if (late.length > 0) fail('S3', `messages are left: ${late.map(({ type }) => type).join()}`);
  const end = String(supervisor?.value);
  if (end !== 'done') return end;
  checkBooks(resource, world.released);
  const expected = config.inputs * config.outputs ** (config.plan.operators.length - 1);
  if (config.complete && world.taken.length !== expected) {
    fail('S6', `${String(world.taken.length)} of ${String(expected)} blocks came out`);
  }
  return end;
}
