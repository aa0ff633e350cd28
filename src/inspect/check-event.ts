/** Checks that something is a run event, field by field: recordings may come from anywhere. */
import type { RunEvent } from '../../machines/run-event.ts';

type Check = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Check>>;

const MAX_TEXT = 1_000_000;
const MAX_ITEMS = 100_000;
const MAX_DEPTH = 12;

/** Names become keys of objects: one that would reach their prototype is no name. */
const text: Check = (value) =>
  typeof value === 'string' && value.length <= MAX_TEXT && value !== '__proto__';
const number: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const flag: Check = (value) => typeof value === 'boolean';
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length <= MAX_ITEMS && value.every(check);
const record =
  (check: Check): Check =>
  (value) =>
    isObject(value) && Object.entries(value).every(([key, item]) => text(key) && check(item));
const shape =
  (fields: Shape): Check =>
  (value) =>
    isObject(value) && Object.entries(fields).every(([name, check]) => check(value[name]));
const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string);

const block = shape({
  id: number,
  lineage: text,
  producer: number,
  numRows: number,
  sizeBytes: number,
});
const limit: Check = (value) =>
  shape({ amount: number })(value) || shape({ perSecond: number, burst: number })(value);
const budget = shape({ resources: record(limit), blockBytes: number });
const edge = shape({ to: number, port: count, shared: flag });
const operator = shape({
  index: count,
  name: text,
  kind: oneOf('source', 'transform', 'sink'),
  ports: (value) => count(value) && (value as number) <= 1000,
  depth: number,
  edges: list(edge),
  needs: record(number),
  maxConcurrency: number,
  serial: flag,
  preserveOrder: flag,
  retries: number,
  onError: oneOf('fail', 'skip', 'deadLetter'),
  queueBlocks: optional(number),
  targetBytes: number,
});
/** Operators are where they say they are: the model finds them by index. */
const operators: Check = (value) =>
  list(operator)(value) &&
  (value as readonly { index: number }[]).every(({ index }, place) => index === place);
const figures = shape({
  in: list(number),
  inBytes: list(number),
  ...Object.fromEntries(
    [
      ...['out', 'outBytes', 'parked', 'active', 'holding', 'done', 'failed', 'cancelled'],
      ...['retried', 'dropped', 'rowsDropped', 'blocksIn', 'rowsIn', 'bytesIn', 'blocksOut'],
      ...['rowsOut', 'bytesOut', 'busyMs', 'maxConcurrency', 'bundle'],
    ].map((name) => [name, number]),
  ),
  blockMs: optional(number),
});
const transition = shape({
  id: text,
  event: text,
  label: optional(text),
  targets: list(text),
  guard: optional(text),
  actions: list(text),
  description: optional(text),
});
function isState(value: unknown, depth: number): boolean {
  if (depth > MAX_DEPTH) return false;
  return shape({
    id: text,
    name: text,
    type: oneOf('atomic', 'compound', 'parallel', 'final', 'history'),
    description: optional(text),
    initial: optional(text),
    entry: list(text),
    exit: list(text),
    invoke: list(text),
    transitions: list(transition),
    states: list((state) => isState(state, depth + 1)),
  })(value);
}
const credit = { operator: text, task: count, blocks: number, bytes: number };

const SHAPES: Readonly<Record<RunEvent['type'], Shape>> = {
  'run.started': { plan: shape({ name: text, operators }), budget },
  'run.ended': {
    status: oneOf('done', 'failed', 'cancelled'),
    reason: optional(text),
    failure: optional(
      shape({
        operator: optional(text),
        lineage: optional(text),
        attempt: optional(number),
        error: text,
      }),
    ),
  },
  'machine.defined': {
    machine: text,
    definition: shape({
      id: text,
      description: optional(text),
      root: (value) => isState(value, 0),
    }),
  },
  'actor.started': { actor: text, machine: text },
  'actor.stopped': { actor: text },
  message: { from: optional(text), to: text, message: text, refs: count, cause: optional(count) },
  'state.entered': {
    actor: text,
    state: text,
    event: optional(text),
    transitions: optional(list(text)),
  },
  cycle: { cycle: count },
  'operator.changed': { operator: text, figures },
  'operator.doing': {
    operator: text,
    doing: text,
    since: optional(number),
    spent: optional(record(number)),
  },
  'operator.denied': {
    operator: text,
    denial: shape({ limit: text, asked: number, free: number, since: number }),
  },
  'operator.freed': { operator: text },
  'resources.changed': {
    used: record(number),
    accounts: list(shape({ reserved: number, live: number, tokens: number })),
  },
  'budget.changed': { budget },
  'consumer.changed': { held: number, demand: number, waits: flag },
  'token.granted': { operator: text, token: number },
  'token.denied': { operator: text, limit: text, asked: number, free: number },
  'token.released': { operator: text, token: number },
  dispatched: { operator: text, tasks: number },
  'task.started': {
    operator: text,
    task: count,
    // A slot is a place in a list.
    slot: (value) => count(value) && (value as number) <= MAX_ITEMS,
    attempt: count,
    inputs: list(block),
  },
  'task.held': credit,
  'task.fed': credit,
  'task.retried': {
    operator: text,
    task: count,
    lineage: text,
    attempt: number,
    error: text,
    delayMs: number,
  },
  'task.ended': {
    operator: text,
    task: count,
    outcome: oneOf('done', 'failed', 'cancelled'),
    busyMs: number,
    error: optional(text),
  },
  'block.produced': { operator: text, task: count, block },
  'block.dropped': { operator: text, lineage: text, attempts: number, cause: text },
  'blocks.moved': { to: text, port: count, blocks: list(number), rows: number, bytes: number },
  'blocks.released': { blocks: list(number) },
  'breakpoint.hit': { breakpoint: text, text },
  log: { operator: text, lineage: text, text },
  progress: { operator: text, lineage: text, fraction: number },
};

/** What is wrong with it; undefined when it is the event with that number. */
export function checkEvent(value: unknown, seq: number): string | undefined {
  if (!isObject(value)) return 'this is no event';
  const { type } = value;
  if (typeof type !== 'string' || !Object.hasOwn(SHAPES, type)) {
    return `there is no event of type ${typeof type === 'string' ? type.slice(0, 100) : typeof type}`;
  }
  if (value['seq'] !== seq) return `the event should have number ${String(seq)}`;
  if (!number(value['at'])) return 'the event does not say when it was';
  for (const [name, check] of Object.entries(SHAPES[type as RunEvent['type']])) {
    if (!check(value[name])) return `"${name}" of this ${type} event is not what it should be`;
  }
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
