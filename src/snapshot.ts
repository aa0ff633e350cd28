/** What can be seen of a run at a moment: plain JSON, a line of text, an explanation in words. */
import type { AnyActorRef, StateValue } from 'xstate';
import type { SpillUsage } from '../actors/spill.ts';
import { storeUsage } from '../actors/world.ts';
import { fromMilli } from '../machines/amounts.ts';
import type { Denial } from '../machines/denial.ts';
import {
  activeTasks,
  holdingTasks,
  type OperatorContext,
} from '../machines/operator/operator.context.ts';
import { shareOut } from '../machines/operator/operator.shares.ts';
import type { ResourceContext } from '../machines/resource/resource.machine.ts';
import type { SupervisorContext } from '../machines/supervisor/supervisor.context.ts';

/** A task that yields nothing for so many milliseconds is worth a word. */
const SILENT_MS = 1000;

export interface OperatorSnapshot {
  readonly state: string;
  readonly kind: 'source' | 'transform' | 'sink';
  /** Input blocks waiting. */
  readonly in: number;
  /** Tasks under way. */
  readonly active: number;
  /** Output blocks waiting to be moved on. */
  readonly out: number;
  /** Tasks completed. */
  readonly done: number;
  readonly rowsIn: number;
  readonly rowsOut: number;
  /** Bytes waiting in its queues. */
  readonly bytes: number;
  readonly denial?: Denial;
}

export interface RunSnapshot {
  readonly name: string;
  readonly state: string;
  /** By operator name, sources and sinks included, in the order of the plan. */
  readonly operators: Readonly<Record<string, OperatorSnapshot>>;
  readonly resources: Readonly<Record<string, { readonly total: number; readonly used: number }>>;
  /** Bytes of blocks in memory. */
  readonly blockBytes: { readonly limit: number; readonly live: number; readonly peak: number };
  /** Blocks on disk: all zero without a store that spills. */
  readonly spill: SpillUsage;
}

export interface Explanation {
  readonly operator: string;
  readonly state: string;
  /** Percent of the time `running`, `starved`, or blocked by each limit; adds up to 100. */
  readonly shares: Readonly<Record<string, number>>;
  readonly denial?: Denial;
  readonly text: string;
}

/** The parts of a chart's snapshot that are read here. */
export interface ChartSnapshot {
  readonly value: StateValue;
  readonly context: unknown;
}

/** The operator actors of a run, with their contexts, in the order of the plan. */
function operatorsOf(
  supervisor: ChartSnapshot,
): readonly { readonly state: string; readonly context: OperatorContext }[] {
  const { staff } = supervisor.context as SupervisorContext;
  return staff.operators.map((operator) => {
    const snapshot = snapshotOf(operator);
    return { state: stateOf(snapshot), context: snapshot.context as OperatorContext };
  });
}

/** What can be seen of a run, given a snapshot of its supervisor. */
export function takeSnapshot(supervisor: ChartSnapshot): RunSnapshot {
  const { plan, budget, staff } = supervisor.context as SupervisorContext;
  const { ledger } = snapshotOf(staff.resource).context as ResourceContext;
  const usage = storeUsage(staff.store);
  const operators = operatorsOf(supervisor).map(({ state, context }) => {
    return [context.plan.name, operatorSnapshot(state, context)] as const;
  });
  const resources = Object.entries(ledger.resources).map(([name, line]) => {
    const [total, used] =
      line.kind === 'amount'
        ? [line.total, line.used]
        : [line.burst, Math.max(0, line.burst - line.level)];
    return [name, { total: fromMilli(total), used: fromMilli(used) }] as const;
  });
  return {
    name: plan.name,
    state: stateOf(supervisor),
    operators: Object.fromEntries(operators),
    resources: Object.fromEntries(resources),
    blockBytes: { limit: budget.blockBytes, live: usage.bytes, peak: usage.peakBytes },
    spill: usage.spill,
  };
}

/** `A[in=0 act=2 out=1 done=3] | B[in=1 act=0 out=0 done=2]`, sources left out. */
export function statusLine({ operators }: RunSnapshot): string {
  return Object.entries(operators)
    .filter(([, { kind }]) => kind !== 'source')
    .map(([name, { in: waiting, active, out, done }]) => {
      const counts = { in: waiting, act: active, out, done };
      const text = Object.entries(counts).map(([key, count]) => `${key}=${String(count)}`);
      return `${name}[${text.join(' ')}]`;
    })
    .join(' | ');
}

/** Why an operator does what it does; undefined when there is no such operator. */
export function explainOperator(
  supervisor: ChartSnapshot,
  name: string,
  now: number,
): Explanation | undefined {
  const found = operatorsOf(supervisor).find(({ context }) => context.plan.name === name);
  if (found === undefined) return undefined;
  const { state, context } = found;
  const { denial } = context;
  const shares = shareOut(context.shares, now);
  return {
    operator: name,
    state,
    shares,
    ...(denial === undefined ? {} : { denial }),
    text: explainInWords(state, context, shares, now),
  };
}

function operatorSnapshot(state: string, context: OperatorContext): OperatorSnapshot {
  const { plan, inputs, outputs, order, counts, denial } = context;
  const parked = order.reduce((sum, { refs }) => sum + refs.length, 0);
  return {
    state,
    kind: plan.kind,
    in: inputs.reduce((sum, { blocks }) => sum + blocks, 0),
    active: activeTasks(context),
    out: outputs.blocks + parked,
    done: counts.tasks,
    rowsIn: counts.rowsIn,
    rowsOut: counts.rowsOut,
    bytes: inputs.reduce((sum, { bytes }) => sum + bytes, outputs.bytes),
    ...(denial === undefined ? {} : { denial }),
  };
}

function explainInWords(
  state: string,
  context: OperatorContext,
  shares: Readonly<Record<string, number>>,
  now: number,
): string {
  const { plan, denial, inputs, failure } = context;
  const active = activeTasks(context);
  const holding = holdingTasks(context);
  const waiting = inputs.reduce((sum, { blocks }) => sum + blocks, 0);
  const parts = [`${plan.name} is ${state}`];
  if (failure !== undefined) parts.push(`it failed on block ${failure.lineage}`);
  if (active > 0) parts.push(`${count(active, 'task')} under way`);
  if (holding > 0) parts.push(`${String(holding)} of them waiting for room for output`);
  const silent = silentTask(context, now);
  if (silent !== undefined) parts.push(silent);
  if (waiting > 0) parts.push(`${count(waiting, 'block')} waiting`);
  if (denial !== undefined) parts.push(denialInWords(denial, now));
  const spent = Object.entries(shares)
    .sort(([, a], [, b]) => b - a)
    .filter(([, percent]) => percent >= 0.5)
    .map(([what, percent]) => `${what} ${percent.toFixed(0)} %`);
  if (spent.length > 0) parts.push(`so far ${spent.join(', ')}`);
  return parts.join('; ');
}

/** A task that could go on and has not been heard of for a while. */
function silentTask({ slots }: OperatorContext, now: number): string | undefined {
  const running = slots.filter((task) => task !== undefined && task.missing === undefined);
  const [oldest] = running.sort((a, b) => (a?.heardAt ?? 0) - (b?.heardAt ?? 0));
  if (oldest === undefined || now - oldest.heardAt < SILENT_MS) return undefined;
  const seconds = ((now - oldest.heardAt) / 1000).toFixed(1);
  return `task ${String(oldest.task)} has yielded nothing for ${seconds} s`;
}

/** One denial as a clause: what is missing, how much, since when. */
export function denialInWords({ limit, asked, free, since }: Denial, now: number): string {
  const time = `for ${((now - since) / 1000).toFixed(1)} s`;
  switch (limit) {
    case 'demand':
      return `blocked ${time}: the consumer has not asked for more`;
    case 'queue':
      return `blocked ${time}: the operators behind it have as many blocks waiting as they may`;
    case 'maxConcurrency':
      return `as many tasks as maxConcurrency allows ${time}`;
    case 'blockBytes':
      return `blocked ${time} by blockBytes: asks for ${String(asked)} bytes, ${String(free)} are free`;
    default:
      return `denied ${time} by ${limit}: asks for ${String(asked)}, ${String(free)} is free`;
  }
}

function count(number: number, noun: string): string {
  return `${String(number)} ${noun}${number === 1 ? '' : 's'}`;
}

function snapshotOf(actor: AnyActorRef): ChartSnapshot {
  return actor.getSnapshot() as ChartSnapshot;
}

function stateOf({ value }: ChartSnapshot): string {
  return typeof value === 'string' ? value : (Object.keys(value)[0] ?? '');
}
