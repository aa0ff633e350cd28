/**
 * Errors on their way between threads. `postMessage` keeps the message and the stack of an error and
 * loses the rest; packed, it keeps its class name, its code, its own fields, and its cause as well.
 */
import * as errors from '../../machines/errors.ts';

export type PackedError =
  | { readonly kind: 'error'; readonly record: ErrorRecord }
  | { readonly kind: 'value'; readonly value: unknown };

interface ErrorRecord {
  readonly className: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Own fields, as far as they can be copied. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause: PackedError | undefined;
  /** Of an `AggregateError`. */
  readonly errors: readonly PackedError[] | undefined;
}

/** A chain of causes longer than this is cut. */
const MAX_DEPTH = 16;

/** Fields that have a place of their own. */
const KNOWN_FIELDS = new Set(['name', 'message', 'stack', 'cause', 'errors']);

/** Errors whose instances come back as such; any other comes back under the name of its class. */
const PROTOTYPES = new Map<string, Error>(
  [
    Error,
    TypeError,
    RangeError,
    SyntaxError,
    ReferenceError,
    URIError,
    EvalError,
    AggregateError,
    ...Object.values(errors).filter((value) => isErrorClass(value)),
  ].map((errorClass) => [errorClass.name, errorClass.prototype]),
);

export function packError(thrown: unknown, depth = 0): PackedError {
  if (!(thrown instanceof Error)) return { kind: 'value', value: copyOrText(thrown) };
  const { message, stack, cause } = thrown;
  const isDeep = depth >= MAX_DEPTH;
  const inner = thrown instanceof AggregateError ? (thrown.errors as unknown[]) : undefined;
  return {
    kind: 'error',
    record: {
      className: classNameOf(thrown),
      message,
      stack,
      fields: fieldsOf(thrown),
      cause: isDeep || cause === undefined ? undefined : packError(cause, depth + 1),
      errors: isDeep ? undefined : inner?.map((one) => packError(one, depth + 1)),
    },
  };
}

export function unpackError(packed: PackedError): unknown {
  if (packed.kind === 'value') return packed.value;
  const { className, message, stack, fields, cause, errors: inner } = packed.record;
  const prototype = PROTOTYPES.get(className) ?? Error.prototype;
  const error = Object.setPrototypeOf(new Error(message), prototype) as Error;
  hide(error, 'stack', stack);
  if (prototype.name !== className && !('name' in fields)) hide(error, 'name', className);
  if (cause !== undefined) hide(error, 'cause', unpackError(cause));
  if (inner !== undefined) hide(error, 'errors', inner.map(unpackError));
  return Object.assign(error, fields);
}

/** `name`, when a class sets it, says more than the class, which a bundler may have renamed. */
function classNameOf(error: Error): string {
  if (error.name !== '' && error.name !== 'Error') return error.name;
  return (
    (error as { readonly constructor?: { readonly name: string } }).constructor?.name ?? 'Error'
  );
}

function fieldsOf(error: Error): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(error)) {
    if (!KNOWN_FIELDS.has(name)) fields[name] = copyOrText(value);
  }
  // A class with a field `name` has it as its own: so has its copy.
  if (Object.keys(error).includes('name')) fields['name'] = error.name;
  return fields;
}

/** What cannot be sent is told as text. */
function copyOrText(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return errors.describe(value);
  }
}

function hide(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, configurable: true, writable: true });
}

function isErrorClass(value: unknown): value is abstract new (...args: never[]) => Error {
  return typeof value === 'function' && value.prototype instanceof Error;
}
