/**
 * Values made fit to be shown: plain JSON, cut short, and without what looks like a secret. They may come
 * from a user's own machine, so nothing in them is trusted: no getter is called twice, nothing is too
 * deep or too long, and whatever throws is left out.
 */

import type { RunEvent } from '../../machines/run-event.ts';

export interface RedactOptions {
  /**
   * Says what to show in place of a value; `undefined` leaves it as it is. Default: fields with names like
   * `password`, `token`, `secret`, `apiKey` or `authorization` read `[redacted]`.
   */
  readonly redact?: ((key: string, value: unknown) => unknown) | false;
  /** Default: 6. */
  readonly maxDepth?: number;
  /** Entries of each object or array. Default: 100. */
  readonly maxEntries?: number;
  /** Characters of each text. Default: 4096. */
  readonly maxText?: number;
  /** Values in all. Default: 5000. */
  readonly maxValues?: number;
}

const SECRET =
  /pass(word|phrase|wd)?|secret|token|api[-_]?key|authori[sz]ation|cookie|credential|private[-_]?key/i;
const SECRET_IN_TEXT =
  /((?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|authorization|cookie)["']?\s*[:=]\s*["']?)(?:bearer\s+)?[^\s"',;&]+/gi;
const CREDENTIALS_IN_URL = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]+:)[^\s@/]+@/gi;
/** Amounts of them are not secret: `tokens: 3`. */
const isHarmless = (value: unknown): boolean =>
  typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined;

/** A copy of a value that can be shown. Never throws. */
export function showable(value: unknown, options: RedactOptions = {}): unknown {
  const { redact, maxDepth = 6, maxEntries = 100, maxText = 4096, maxValues = 5000 } = options;
  const hide = redact === false ? () => undefined : (redact ?? defaultRedact);
  const within = new Set<object>();
  let left = maxValues;

  function show(key: string, shown: unknown, depth: number): unknown {
    if (left-- <= 0) return '[...]';
    try {
      const instead = hide(key, shown);
      return instead === undefined ? plain(shown, depth) : plain(instead, depth);
    } catch {
      return '[cannot be shown]';
    }
  }

  function plain(shown: unknown, depth: number): unknown {
    switch (typeof shown) {
      case 'string':
        return text(redact === false ? shown : redactText(shown));
      case 'number':
        return Number.isFinite(shown) ? shown : String(shown);
      case 'boolean':
        return shown;
      case 'bigint':
        return `${String(shown)}n`;
      case 'undefined':
        return '[undefined]';
      case 'function':
        return '[function]';
      case 'symbol':
        return text(String(shown));
      case 'object':
        return shown === null ? null : object(shown, depth);
    }
  }

  function object(shown: object, depth: number): unknown {
    if (within.has(shown)) return '[circular]';
    if (isActorRef(shown)) return `[actor ${text(shown.id)}]`;
    if (shown instanceof Date) return `[date ${text(String(shown))}]`;
    if (shown instanceof Error) return `[${text(redactText(`${shown.name}: ${shown.message}`))}]`;
    if (ArrayBuffer.isView(shown))
      return `[${shown.constructor.name} of ${String(shown.byteLength)} bytes]`;
    if (depth >= maxDepth) return Array.isArray(shown) ? '[array]' : '[object]';
    within.add(shown);
    try {
      if (Array.isArray(shown)) return list(shown, depth);
      if (shown instanceof Set) return { '[set]': list([...shown], depth) };
      const isMap = shown instanceof Map;
      const entries: readonly [string, unknown][] = isMap
        ? [...shown].map(([key, value]): [string, unknown] => [String(key), value])
        : Object.entries(shown);
      const copy: Record<string, unknown> = {};
      for (const [key, value] of entries.slice(0, maxEntries)) {
        Object.defineProperty(copy, text(key), {
          value: show(key, value, depth + 1),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
      if (entries.length > maxEntries)
        copy['[...]'] = `${String(entries.length - maxEntries)} more`;
      return copy;
    } finally {
      within.delete(shown);
    }
  }

  function list(items: readonly unknown[], depth: number): readonly unknown[] {
    const shown = items.slice(0, maxEntries).map((item) => show('', item, depth + 1));
    const more = items.length - maxEntries;
    return more > 0 ? [...shown, `[... ${String(more)} more]`] : shown;
  }

  function text(long: string): string {
    return long.length > maxText ? `${long.slice(0, maxText)}[...]` : long;
  }

  return show('', value, 0);
}

/** A text without what looks like a password or a token in it. */
export function redactText(text: string): string {
  return text.replace(SECRET_IN_TEXT, '$1[redacted]').replace(CREDENTIALS_IN_URL, '$1[redacted]@');
}

/** An event without secrets in the texts it quotes: what transforms logged, and errors. */
export function redactEvent(event: RunEvent): RunEvent {
  switch (event.type) {
    case 'log':
      return { ...event, text: redactText(event.text) };
    case 'task.retried':
      return { ...event, error: redactText(event.error) };
    case 'task.ended':
      return event.error === undefined ? event : { ...event, error: redactText(event.error) };
    case 'block.dropped':
      return { ...event, cause: redactText(event.cause) };
    case 'breakpoint.hit':
      return { ...event, text: redactText(event.text) };
    case 'run.ended': {
      const { reason, failure } = event;
      return {
        ...event,
        ...(reason === undefined ? {} : { reason: redactText(reason) }),
        ...(failure === undefined
          ? {}
          : { failure: { ...failure, error: redactText(failure.error) } }),
      };
    }
    default:
      return event;
  }
}

function defaultRedact(key: string, value: unknown): unknown {
  return SECRET.test(key) && !isHarmless(value) && !isCollection(value) ? '[redacted]' : undefined;
}

/** `tokens: [1, 2]` of a ledger is no secret, `tokens: ['x']` may be: its texts are hidden one by one. */
function isCollection(value: unknown): boolean {
  return (
    value instanceof Map ||
    (Array.isArray(value) && value.every((item) => typeof item === 'number'))
  );
}

function isActorRef(value: object): value is { readonly id: string } {
  return 'sessionId' in value && 'send' in value && 'id' in value;
}
