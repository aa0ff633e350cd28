/**
 * One text for each state, the same for states that differ only in what does not matter: statistics,
 * times, and the numbers of tokens, which are counted anew in the order in which they are met.
 */
import { queued, type RefQueue } from '../../machines/queue.ts';

/** Fields that never decide anything in the model. */
const IGNORED = new Set([
  'plan',
  'settings',
  'addresses',
  'staff',
  'ranking',
  'client',
  'counts',
  'dropped',
  'shares',
  'heardAt',
  'since',
  'now',
  'at',
  'startedAt',
  'cycles',
  'reports',
  'nextToken',
  'measured',
  'blockMs',
  'busyMs',
  'done',
  'cause',
  'replyTo',
]);

const TOKENS = new Set(['token', 'tokens']);

/** Stands before the number of a token, until the tokens of a state are counted anew. */
const TOKEN_MARK = '\u00a7';

/** Most parts of a state are those of the state before it: their texts are kept. */
const known = new WeakMap<object, string>();

/** The text of a state that is made of these parts, in their order. */
export function canonicalText(parts: readonly unknown[]): string {
  const names = new Map<string, string>();
  const text = parts.map(textOf).join(';');
  return text.replaceAll(/\u00a7(\d+)/g, (_, token: string) => {
    let name = names.get(token);
    if (name === undefined) {
      name = `t${String(names.size)}`;
      names.set(token, name);
    }
    return name;
  });
}

function textOf(part: unknown): string {
  if (typeof part !== 'object' || part === null) return String(part);
  const before = known.get(part);
  if (before !== undefined) return before;
  const written: string[] = [];
  write(part, '', written);
  const text = written.join('');
  known.set(part, text);
  return text;
}

function write(value: unknown, key: string, parts: string[]): void {
  switch (typeof value) {
    case 'number':
      parts.push(TOKENS.has(key) ? `${TOKEN_MARK}${String(value)}` : String(value));
      return;
    case 'object':
      writeObject(value, key, parts);
      return;
    case 'function':
      return;
    default:
      parts.push(String(value));
  }
}

function writeObject(value: object | null, key: string, parts: string[]): void {
  if (value === null) {
    parts.push('null');
  } else if (Array.isArray(value)) {
    parts.push('[');
    for (const item of value) {
      write(item, key, parts);
      parts.push(',');
    }
    parts.push(']');
  } else if (value instanceof Map) {
    parts.push('{');
    for (const [name, item] of value as Map<unknown, unknown>) {
      write(name, key, parts);
      parts.push(':');
      write(item, '', parts);
      parts.push(',');
    }
    parts.push('}');
  } else if (value instanceof Error) {
    parts.push(value.message);
  } else if ('sessionId' in value) {
    parts.push('#', String((value as { id?: unknown }).id));
  } else if ('front' in value && 'back' in value) {
    write(queued(value as RefQueue), key, parts);
  } else if ('lineage' in value && 'sizeBytes' in value) {
    parts.push(String(value.lineage));
  } else {
    parts.push('{');
    for (const [name, item] of Object.entries(value)) {
      if (item === undefined || IGNORED.has(name)) continue;
      parts.push(name, ':');
      write(item, name, parts);
      parts.push(',');
    }
    parts.push('}');
  }
}
