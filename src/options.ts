/** The options of operators and runs, and their checks: a wrong one is an error that names it. */
import { OptionError } from '../machines/errors.ts';

/** How failed attempts are repeated. A number is a count with the default backoff. */
export type Retries =
  | number
  | {
      /** Attempts after the first. */
      readonly count: number;
      /**
       * Milliseconds to wait before the next attempt. A number is doubled with each attempt, up to 30
       * seconds, and shortened by up to half at random; a function gets the number of the attempt that
       * failed, from 1. Default: 100.
       */
      readonly backoff?: number | ((attempt: number) => number);
      /** Whether an error is worth another attempt. Default: every error is. */
      readonly when?: (error: unknown, attempt: number) => boolean;
    };

/** What happens to a block whose attempts are used up. */
export type OnError = 'fail' | 'skip' | 'deadLetter';

export interface OperatorOptions {
  /** Unique within the pipeline. Default: the name of the function, or of the method. */
  readonly name?: string;
  /** What one task needs of the budget. Default: `{ cpu: 1 }`. */
  readonly resources?: Readonly<Record<string, number>>;
  /** Most tasks at a time. Default: as many as the budget allows, at most 64. */
  readonly maxConcurrency?: number;
  /**
   * Default: 0. An operator with retries may be run again: that is also done when a block it has yielded
   * is lost on the disk it was spilled to.
   */
  readonly retries?: Retries;
  /**
   * More failed attempts than `count` within `within` milliseconds fail the operator, whatever retries
   * are left: as with supervisors in Erlang/OTP. Default: no limit.
   */
  readonly restarts?: { readonly count: number; readonly within: number };
  /**
   * `fail` ends the run; `skip` gives the block up, counts and lists it; `deadLetter` also hands it to
   * the run's `onDeadLetter`. Default: `fail`.
   */
  readonly onError?: OnError;
  /** Blocks and rows that may be given up before the run fails. Default: no limit. */
  readonly maxErrors?: number;
  /**
   * For `map`, `filter` and `flatMap`: what happens to a single row the function fails on when attempts
   * are used up, so that it does not cost its whole block. Default: `fail`, the block fails.
   */
  readonly onRowError?: OnError;
  /**
   * Publishes the outputs of a block only when all of them are made: for transforms that yield
   * something else when they are run again. Default: false, a retry skips what was published.
   */
  readonly atomic?: boolean;
  /** Outputs leave in the order of their inputs. Default: false. */
  readonly preserveOrder?: boolean;
  /**
   * What one task takes at most; the transform is called once for each block. Default: one block, and
   * more as soon as blocks have shown to be done in well under 2 ms.
   */
  readonly input?: { readonly rows?: number; readonly bytes?: number; readonly blocks?: number };
  /** Size of output blocks: what is yielded is merged and split to it. Default: as yielded. */
  readonly output?: { readonly rows?: number; readonly bytes?: number };
  /**
   * Blocks that may wait behind this operator. Default: what those that follow it do in a few
   * milliseconds, at least 8 and at least twice their running tasks.
   */
  readonly queue?: { readonly blocks?: number };
  /** Milliseconds one attempt at one block may take. Default: no limit. */
  readonly timeout?: number;
}

/** Options of `mapBlocks`. */
export interface BlocksOptions extends OperatorOptions {
  /**
   * What the function gets: the rows of a block, or the block itself as typed columns. Blocks of rows
   * are made into columns then, whose types follow from the values. Default: `rows`.
   */
  readonly format?: 'rows' | 'columns';
}

const OPERATOR_OPTIONS = [
  'name',
  'resources',
  'maxConcurrency',
  'retries',
  'restarts',
  'onError',
  'maxErrors',
  'onRowError',
  'atomic',
  'preserveOrder',
  'input',
  'output',
  'queue',
  'timeout',
] as const;

/** @throws OptionError when an option is unknown or has a value it cannot have. */
export function checkOperatorOptions(options: OperatorOptions): void {
  checkNames('options', options, OPERATOR_OPTIONS);
  const { name, resources, retries, restarts, onError, input, output, queue } = options;
  if (name !== undefined) checkName('name', name);
  if (resources !== undefined) checkAmounts('resources', resources);
  checkCount('maxConcurrency', options.maxConcurrency, 1);
  if (retries !== undefined) checkRetries(retries);
  if (restarts !== undefined) {
    checkNames('restarts', restarts, ['count', 'within']);
    checkRequired('restarts.count', restarts.count);
    checkCount('restarts.count', restarts.count, 0);
    checkPositive('restarts.within', restarts.within);
  }
  checkPolicy('onError', onError);
  checkPolicy('onRowError', options.onRowError);
  checkCount('maxErrors', options.maxErrors, 0);
  checkFlag('atomic', options.atomic);
  checkFlag('preserveOrder', options.preserveOrder);
  checkSizes('input', input, ['rows', 'bytes', 'blocks']);
  checkSizes('output', output, ['rows', 'bytes']);
  checkSizes('queue', queue, ['blocks']);
  if (options.timeout !== undefined) checkPositive('timeout', options.timeout);
}

/** @throws OptionError when `format` has a value it cannot have. */
export function checkBlocksOptions(options: BlocksOptions): BlocksOptions {
  checkObject('options', options);
  const { format }: { readonly format?: unknown } = options;
  if (format === undefined || format === 'rows' || format === 'columns') return options;
  throw wrong('format', format, `'rows' or 'columns'`);
}

/** @throws OptionError when `options` is no object or has a field that is not one of `known`. */
export function checkNames(what: string, options: unknown, known: readonly string[]): void {
  checkObject(what, options);
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new OptionError(
      name,
      `there is no option "${name}" here; there are: ${known.join(', ')}`,
    );
  }
}

/** @throws OptionError when it is no object. */
export function checkObject(option: string, value: unknown): asserts value is object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  throw wrong(option, value, 'an object');
}

/** @throws OptionError when the name is empty, too long, or has characters that cannot be shown. */
export function checkName(option: string, name: unknown): void {
  if (typeof name !== 'string' || name.trim() === '') throw wrong(option, name, 'a name');
  if (name.length > 200 || /[\u0000-\u001f\u007f]/.test(name) || name === '__proto__') {
    throw wrong(
      option,
      name.slice(0, 40),
      'a name of at most 200 characters, none of them control characters, and not __proto__',
    );
  }
}

/** @throws OptionError when it is neither missing nor a whole number of at least `least`. */
export function checkCount(option: string, count: unknown, least: number): void {
  if (count === undefined) return;
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < least) {
    throw wrong(option, count, `a whole number of at least ${String(least)}`);
  }
}

function checkRequired(option: string, value: unknown): void {
  if (value === undefined) throw wrong(option, value, 'given');
}

/** @throws OptionError when it is not a finite number above 0. */
export function checkPositive(option: string, amount: unknown): void {
  if (typeof amount !== 'number' || !Number.isFinite(amount) || amount <= 0) {
    throw wrong(option, amount, 'a finite number above 0');
  }
}

function checkAmounts(option: string, resources: unknown): void {
  if (typeof resources !== 'object' || resources === null) {
    throw wrong(option, resources, 'an object of amounts, like { cpu: 1 }');
  }
  for (const [name, amount] of Object.entries(resources) as [string, unknown][]) {
    if (typeof amount !== 'number' || !Number.isFinite(amount) || amount < 0) {
      throw wrong(`${option}.${name}`, amount, 'a finite number of at least 0');
    }
  }
}

function checkRetries(retries: Retries): void {
  if (typeof retries === 'number') {
    checkCount('retries', retries, 0);
    return;
  }
  checkNames('retries', retries, ['count', 'backoff', 'when']);
  const { count, backoff, when } = retries;
  checkCount('retries.count', count, 0);
  const isDelay = typeof backoff === 'number' && Number.isFinite(backoff) && backoff >= 0;
  if (backoff !== undefined && typeof backoff !== 'function' && !isDelay) {
    throw wrong('retries.backoff', backoff, 'milliseconds of at least 0, or a function');
  }
  if (when !== undefined && typeof when !== 'function') {
    throw wrong('retries.when', when, 'a function');
  }
}

function checkPolicy(option: string, policy: unknown): void {
  if (policy === undefined || ['fail', 'skip', 'deadLetter'].includes(policy as string)) return;
  throw wrong(option, policy, `'fail', 'skip' or 'deadLetter'`);
}

function checkFlag(option: string, flag: unknown): void {
  if (flag !== undefined && typeof flag !== 'boolean') throw wrong(option, flag, 'true or false');
}

/** @throws OptionError when a size is unknown or no whole number above 0. */
export function checkSizes(option: string, sizes: unknown, known: readonly string[]): void {
  if (sizes === undefined) return;
  checkNames(option, sizes, known);
  for (const [name, size] of Object.entries(sizes as Record<string, unknown>)) {
    checkCount(`${option}.${name}`, size, 1);
  }
}

function wrong(option: string, value: unknown, wanted: string): OptionError {
  return new OptionError(option, `option "${option}" is ${show(value)}; it must be ${wanted}`);
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}
