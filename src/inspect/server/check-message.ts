/** Checks what viewers send: field by field, and nothing besides. */
import type { BreakpointSpec, ClientMessage, Command, Question } from '../protocol.ts';
import { isTopics } from '../topics.ts';

const MAX_NAME = 500;
const MAX_AMOUNTS = 100;

type Fields = Readonly<Record<string, (value: unknown) => boolean>>;

const name = (value: unknown): boolean =>
  typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME;
const number = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
const count = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const optional =
  (check: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === undefined || check(value);
const amounts = (value: unknown): boolean => {
  if (!isObject(value)) return false;
  const entries = Object.entries(value);
  return (
    entries.length <= MAX_AMOUNTS &&
    entries.every(([key, amount]) => name(key) && key !== '__proto__' && number(amount))
  );
};

const QUESTIONS: Readonly<Record<Question['type'], Fields>> = {
  select: { run: name },
  watch: { topics: isTopics, since: (value) => value === -1 || count(value) },
  moment: { at: number },
  events: { fromSeq: count, limit: count },
  value: { actor: (value) => typeof value === 'string' && value.length <= 4096 },
  explain: { operator: name },
};

const COMMANDS: Readonly<Record<Command['type'], Fields>> = {
  hold: {},
  resume: {},
  step: { by: (value) => value === 'cycle' || value === 'task', operator: optional(name) },
  setBudget: { amounts },
  setMaxConcurrency: { operator: name, maxConcurrency: count },
  cancel: {},
  stop: {},
  // Its fields are checked where it is understood.
  addBreakpoint: { breakpoint: isObject },
  removeBreakpoint: { id: name },
};

/** The message a text is, or what is wrong with it; `id` is that of the request, if there is one. */
export function readMessage(
  text: string,
):
  | { readonly message: ClientMessage }
  | { readonly problem: string; readonly id: number | undefined } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'this is no JSON', id: undefined };
  }
  if (!isObject(value)) return { problem: 'this is no message', id: undefined };
  const { type, id } = value;
  if (!count(id)) return { problem: 'a message has an id', id: undefined };
  const known = id as number;
  if (type === 'ask') {
    const problem = problemOf(value['question'], QUESTIONS);
    if (problem !== undefined) return { problem, id: known };
    return { message: { type, id: known, question: value['question'] as Question } };
  }
  if (type === 'do') {
    const problem = problemOf(value['command'], COMMANDS);
    if (problem !== undefined) return { problem, id: known };
    return { message: { type, id: known, command: cleaned(value['command'] as Command) } };
  }
  return { problem: 'a message is of type ask or do', id: known };
}

function problemOf(value: unknown, known: Readonly<Record<string, Fields>>): string | undefined {
  if (!isObject(value)) return 'this is no request';
  const { type } = value;
  if (typeof type !== 'string' || !Object.hasOwn(known, type)) return 'there is no such request';
  const fields = known[type] ?? {};
  for (const key of Object.keys(value)) {
    if (key !== 'type' && !Object.hasOwn(fields, key)) return `"${type}" has an unknown field`;
  }
  for (const [key, check] of Object.entries(fields)) {
    if (!check(value[key])) return `"${key}" of "${type}" is not what it should be`;
  }
  return undefined;
}

/** Breakpoints are kept: they keep only what belongs to them. */
function cleaned(command: Command): Command {
  if (command.type !== 'addBreakpoint') return command;
  const given = command.breakpoint as Readonly<Record<string, unknown>>;
  const fields = [
    'on',
    'actor',
    'state',
    'message',
    'operator',
    'above',
    'longerThanMs',
    'hit',
    'once',
  ];
  const breakpoint = Object.fromEntries(
    fields.filter((field) => given[field] !== undefined).map((field) => [field, given[field]]),
  );
  return { type: 'addBreakpoint', breakpoint: breakpoint as unknown as BreakpointSpec };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
