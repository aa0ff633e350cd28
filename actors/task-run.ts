/**
 * One run of a transform in this thread: calls it for each input block, turns what it yields into
 * blocks in the store, and waits when there is no output credit. What has happened is collected until
 * the runner sends the next report.
 */
import { childLineage, mixedLineage, type BlockRef } from '../machines/block.ts';
import { TimeoutError } from '../machines/errors.ts';
import type { DeadLetter, RunDelta, RunnerRun, RunReport } from '../machines/hands.protocol.ts';
import type { Credit } from '../machines/resource/ledger.ts';
import { asColumns, isBlock, type Block } from './block.ts';
import type { BlockStore } from './block-store.ts';
import { GRACE_MS, macrotask, type Env } from './env.ts';
import { freezeRows } from './isolation.ts';
import type { Making } from './origin.ts';
import { createBlockSizer, type BlockSizer } from './output-blocks.ts';
import type {
  OperatorProgram,
  RowErrors,
  StatefulInput,
  StatefulProgram,
  StatefulResult,
  TaskPlace,
  TransformContext,
} from './transform.ts';

/** After so much work without a pause, I/O and timers get a turn. */
const SLICE_MS = 5;
const SLICE_STEPS = 64;

/** What a run is told at its start. */
export type RunMessage = Omit<RunnerRun, 'replyTo'>;

/** A run under way, in this thread or elsewhere, as the runner sees it. */
export interface Running {
  /** Number of the run at its task actor. */
  readonly number: number;
  readonly start: () => void;
  readonly addCredit: (credit: Credit) => void;
  /** Reads no more. */
  readonly finish: () => void;
  readonly cancel: (reason: unknown) => void;
  /** What has happened since the last report; undefined when nothing has. */
  readonly takeReport: () => RunReport | undefined;
}

/** What a run needs from its runner. */
export interface RunTools {
  readonly env: Env;
  readonly store: Pick<BlockStore, 'load' | 'put' | 'isShared' | 'retain'>;
  readonly program: OperatorProgram;
  /** The operator's instance, if its transform remembers. */
  readonly stateful: (StatefulProgram & { outputs: number }) | undefined;
  /** There is something to report. */
  readonly onNews: () => void;
  readonly onLog: (place: TaskPlace, values: readonly unknown[]) => void;
  readonly onProgress: (place: TaskPlace, fraction: number) => void;
  /** A row that was given up and is to be handed out. */
  readonly onDeadRow: (letter: DeadLetter, row: unknown) => void;
  /** In a worker thread: what is the same for all runs, and what hears of a cancel at once. */
  readonly worker?: { readonly state: unknown; readonly poll: () => void };
}

type End =
  | { readonly type: 'end'; readonly result: StatefulResult | undefined }
  | { readonly type: 'error'; readonly error: unknown };

export class TaskRun implements Running {
  readonly message: RunMessage;
  readonly #tools: RunTools;
  readonly #sizer: BlockSizer;
  #credit: Credit;
  /** What the run waits for, and how it goes on. */
  #held: { readonly missing: Credit; readonly resume: () => void } | undefined;
  #heldReported = false;
  /** Blocks of an atomic operator, until their input is done with. */
  #kept: Block<unknown>[] = [];
  #outputs: BlockRef[] = [];
  #consumed = 0;
  #busyMs = 0;
  #droppedRows: DeadLetter[] = [];
  /** Rows of the input in progress that were given up: they count when it is done with. */
  #givenUp: { readonly letter: DeadLetter; readonly row: unknown }[] = [];
  /** No more should be read. */
  #finishing: AbortController | undefined;
  /** The input in progress, and how many of its outputs have been yielded so far. */
  #input: BlockRef | undefined;
  #yielded = 0;
  #skip = 0;
  #isLoading = false;
  #attempt = 1;
  #end: End | undefined;
  #controller: AbortController | undefined;
  #cancelled: { readonly reason: unknown } | undefined;
  #steps = 0;
  #sliceStart = 0;
  #stopTimer: () => void = () => undefined;
  /** What is left of the time-out of the input in progress, and since when it runs down. */
  #timeLeft = 0;
  #timedSince = 0;
  #stopGrace: () => void = () => undefined;

  constructor(message: RunMessage, tools: RunTools) {
    this.message = message;
    this.#tools = tools;
    this.#credit = message.credit;
    this.#sizer = createBlockSizer(tools.program.output, tools.program.targetBytes);
  }

  get number(): number {
    return this.message.run;
  }

  /** Nothing more will come of it, whatever the transform still does. */
  get isOver(): boolean {
    return this.#end !== undefined;
  }

  start(): void {
    if (this.isOver) return;
    this.#sliceStart = this.#tools.env.now();
    const run = this.#tools.stateful === undefined ? this.#runBlocks() : this.#runStateful();
    run.then(
      (result) => {
        this.#finish({ type: 'end', result });
      },
      (error: unknown) => {
        // A reader that is told to stop may say so by throwing.
        const isStop = this.#finishing?.signal.aborted === true && this.#controller?.signal.aborted;
        this.#finish(
          isStop === true ? { type: 'end', result: undefined } : { type: 'error', error },
        );
      },
    );
  }

  addCredit(credit: Credit): void {
    const { blocks, bytes } = this.#credit;
    this.#credit = { blocks: blocks + credit.blocks, bytes: bytes + credit.bytes };
    this.#held?.resume();
  }

  /** Reads no more. A source that keeps rows back hands them over first; any other ends at once. */
  finish(): void {
    const { transform } = this.#tools.program;
    if (this.isOver || this.#cancelled !== undefined || transform.kind !== 'source') return;
    this.#finishing ??= new AbortController();
    this.#finishing.abort();
    if (transform.keepsRows) return;
    this.#controller ??= new AbortController();
    this.#controller.abort(new Error('nothing more is to be read'));
    this.#awaitEnd();
  }

  /** A source that is to read no more ends within a grace, waiting for credit not counted. */
  #awaitEnd(): void {
    this.#stopGrace();
    this.#stopGrace = this.#tools.env.setTimer(GRACE_MS, () => {
      // What was read is not lost: it goes on when there is credit.
      if (this.#held === undefined) this.#finish({ type: 'end', result: undefined });
    });
  }

  /** Asks the transform to end. If it does not within a grace, it is left to itself, without a voice. */
  cancel(reason: unknown): void {
    if (this.isOver || this.#cancelled !== undefined) return;
    this.#cancelled = { reason };
    this.#controller?.abort(reason);
    this.#held?.resume();
    if (this.#isLoading || (this.#input === undefined && this.message.inputs.length > 0)) {
      this.#finish({ type: 'end', result: undefined });
      return;
    }
    // What goes on regardless is left alone here; a worker is ended from outside.
    if (this.#tools.worker !== undefined) return;
    this.#stopGrace();
    this.#stopGrace = this.#tools.env.setTimer(GRACE_MS, () => {
      this.#finish({ type: 'end', result: undefined });
    });
  }

  /** What has happened since the last report; undefined when nothing has. */
  takeReport(): RunReport | undefined {
    const held = this.#held?.missing;
    const isNews = this.#outputs.length > 0 || this.#consumed > 0 || this.#end !== undefined;
    if (!isNews && (held === undefined || this.#heldReported)) return undefined;
    const delta: RunDelta = {
      run: this.message.run,
      now: this.#tools.env.now(),
      outputs: this.#outputs,
      consumed: this.#consumed,
      // What an attempt before this one has published stays published, however far this one came.
      partial: Math.max(this.#yielded, this.#skip),
      busyMs: this.#busyMs,
      droppedRows: this.#droppedRows,
    };
    this.#outputs = [];
    this.#consumed = 0;
    this.#busyMs = 0;
    this.#droppedRows = [];
    this.#heldReported = held !== undefined;
    if (this.#end === undefined) return { type: 'run.progress', ...delta, held };
    if (this.#end.type === 'end') {
      const { satisfied = false, wants } = this.#end.result ?? {};
      return { type: 'run.end', ...delta, satisfied, wants };
    }
    const { error } = this.#end;
    return { type: 'run.error', ...delta, ...this.#judge(error) };
  }

  async #runBlocks(): Promise<undefined> {
    const { store, program } = this.#tools;
    for (const [index, ref] of this.message.inputs.entries()) {
      if (this.#isEnding()) return;
      this.#beginInput(ref, index === 0);
      const wait = this.#awaitCredit();
      if (wait !== undefined) await wait;
      if (this.#isEnding()) return;
      const loaded = store.load(ref);
      // Waiting for what is there would cost each block a turn.
      const block = loaded instanceof Promise ? await this.#loading(loaded) : loaded;
      if (this.#isEnding()) return;
      const isSeenByOthers = program.retries > 0 || store.isShared(ref);
      const result = await this.#invoke(block, isSeenByOthers, this.#contextFor(ref));
      const published = this.#publishResult(result);
      if (published !== undefined) await published;
      if (this.#isEnding()) return;
      const rest = [...this.#kept, ...this.#sizer.flush()];
      if (rest.length > 0) await this.#publishAll(rest);
      if (this.#isEnding()) return;
      this.#endInput();
      if (this.#isSliceOver()) await this.#pause();
    }
    return undefined;
  }

  /** Waits for a block that is brought back. Nothing of the transform runs: a cancel is its end. */
  async #loading(loaded: Promise<Block<unknown>>): Promise<Block<unknown>> {
    this.#isLoading = true;
    try {
      return await loaded;
    } finally {
      this.#isLoading = false;
    }
  }

  /** Calls the transform for one block, and counts its time. */
  async #invoke(
    block: Block<unknown>,
    isSeenByOthers: boolean,
    context: TransformContext,
  ): Promise<unknown> {
    const { env, program } = this.#tools;
    const { transform } = program;
    const before = env.now();
    try {
      if (transform.kind === 'blocks') {
        const asks = transform.format === 'columns';
        const input = asks ? asColumns(block) : block.rows;
        if (!asks && isSeenByOthers) freezeRows(block.rows);
        return await transform.call(input as never, context, this.#rowErrors);
      }
      if (transform.kind === 'source') {
        const tools = { env, finishing: this.#finishingSignal() };
        return await transform.read(block.rows[0] as never, context, tools);
      }
      return undefined;
    } finally {
      this.#busyMs += env.now() - before;
    }
  }

  /** Publishes what the transform returned; returns a promise only if that takes time. */
  #publishResult(result: unknown): Promise<void> | undefined {
    const isSource = this.#tools.program.transform.kind === 'source';
    // An array is the rows of one block, except that a source may have all its blocks in one.
    if (isBlock(result) || (Array.isArray(result) && !isSource)) return this.#yield(result);
    if (isAsyncIterable(result)) return this.#drain(result[Symbol.asyncIterator]());
    if (isIterable(result)) return this.#drain(result[Symbol.iterator]());
    throw new TypeError(
      `the transform returned ${typeName(result)}; it must return an array of rows, a block, or an iterable of them`,
    );
  }

  async #drain(iterator: Iterator<unknown> | AsyncIterator<unknown>): Promise<void> {
    let finished = false;
    try {
      for (;;) {
        const wait = this.#awaitCredit();
        if (wait !== undefined) await wait;
        if (this.#isEnding() || this.#mayStopReading()) return;
        // A generator that ends, or that throws, needs no telling.
        finished = true;
        const step = await this.#next(iterator);
        if (step.done === true) return;
        finished = false;
        const held = this.#yield(step.value);
        if (held !== undefined) await held;
        if (this.#isSliceOver()) await this.#pause();
      }
    } finally {
      // Left early: the generator gets to run its `finally` blocks.
      if (!finished) await iterator.return?.();
    }
  }

  /** Asks a generator for its next block, and counts the time. */
  async #next(
    iterator: Iterator<unknown> | AsyncIterator<unknown>,
  ): Promise<IteratorResult<unknown>> {
    const { env } = this.#tools;
    const before = env.now();
    try {
      return await iterator.next();
    } finally {
      this.#busyMs += env.now() - before;
    }
  }

  async #runStateful(): Promise<StatefulResult | undefined> {
    const { stateful, store, env } = this.#tools;
    const { inputs, perPort, ended, flush } = this.message;
    if (stateful === undefined) return undefined;
    this.#input = inputs[0];
    const context = this.#contextFor(inputs[0]);
    const ports = perPort.flatMap((count, port) => Array.from({ length: count }, () => port));
    const bound: StatefulInput[] = [];
    for (const [index, ref] of inputs.entries()) {
      bound.push({ port: ports[index] ?? 0, ref, block: await store.load(ref) });
    }
    const output = {
      emit: async (rows: readonly unknown[] | Block<unknown>): Promise<void> => {
        const made = this.#sizer.add(isBlock(rows) ? rows : checkRows(rows));
        for (const block of made) await this.#publish(block);
      },
      forward: (ref: BlockRef): void => {
        store.retain(ref);
        this.#outputs.push(ref);
        this.#tools.onNews();
      },
    };
    this.#startTimer();
    const before = env.now();
    const result = await stateful.take(bound, ended, flush, output, context);
    this.#busyMs += env.now() - before;
    for (const block of this.#sizer.flush()) await this.#publish(block);
    this.#consumed = inputs.length;
    return result;
  }

  #yield(value: unknown): Promise<void> | undefined {
    const blocks = this.#sizer.add(isBlock(value) ? value : checkRows(value));
    if (this.#tools.program.atomic) {
      this.#kept.push(...blocks);
      return undefined;
    }
    const [only] = blocks;
    if (only === undefined) return undefined;
    if (blocks.length === 1) return this.#publish(only);
    return this.#publishAll(blocks);
  }

  async #publishAll(blocks: readonly Block<unknown>[]): Promise<void> {
    for (const block of blocks) {
      const wait = this.#publish(block);
      if (wait !== undefined) await wait;
    }
  }

  /** Puts a block into the store; returns a promise only if it has to wait for credit. */
  #publish(block: Block<unknown>): Promise<void> | undefined {
    if (block.numRows === 0) return undefined;
    if (this.#yielded < this.#skip) {
      // An attempt before this one has published it.
      this.#yielded += 1;
      return undefined;
    }
    const missing = this.#missingFor(block);
    if (missing === undefined) {
      this.#put(block);
      return undefined;
    }
    return this.#publishLater(block, missing);
  }

  async #publishLater(block: Block<unknown>, missing: Credit): Promise<void> {
    let lack: Credit | undefined = missing;
    while (lack !== undefined) {
      await this.#hold(lack);
      if (this.#isEnding()) return;
      lack = this.#missingFor(block);
    }
    this.#put(block);
  }

  #missingFor(block: Block<unknown>): Credit | undefined {
    const blocks = Math.max(0, 1 - this.#credit.blocks);
    const bytes = block.sizeBytes - this.#credit.bytes;
    return blocks === 0 && bytes <= 0 ? undefined : { blocks, bytes };
  }

  #put(block: Block<unknown>): void {
    if (this.#isEnding()) return;
    const { store, program, stateful, onNews } = this.#tools;
    const lineage =
      stateful === undefined
        ? childLineage(this.#input?.lineage ?? '', this.#yielded)
        : mixedLineage(program.index, stateful.outputs++);
    // A worker's store may refuse a block that cannot be sent: then it does not count.
    this.#outputs.push(store.put(block, lineage, program.index, this.#making()));
    this.#yielded += 1;
    const { blocks, bytes } = this.#credit;
    this.#credit = { blocks: blocks - 1, bytes: bytes - block.sizeBytes };
    onNews();
  }

  /** How the next output is made, if that may be repeated. */
  #making(): Making | undefined {
    const input = this.#input;
    if (this.#tools.program.mayRepeat !== true || input === undefined) return undefined;
    return { input, attempt: this.#attempt, index: this.#yielded };
  }

  /** Waits for the right to produce one more block, taken before each yield. */
  #awaitCredit(): Promise<void> | undefined {
    if (this.#credit.blocks > 0 || this.#yielded < this.#skip) return undefined;
    return this.#hold({ blocks: 1, bytes: -this.#credit.bytes });
  }

  #hold(missing: Credit): Promise<void> {
    this.#stopTimer();
    this.#timeLeft -= this.#tools.env.now() - this.#timedSince;
    this.#heldReported = false;
    return new Promise((resolve) => {
      const resume = (): void => {
        this.#held = undefined;
        this.#continueTimer();
        if (this.#mayStopReading()) this.#awaitEnd();
        resolve();
      };
      this.#held = { missing, resume };
      this.#tools.onNews();
      if (this.#isEnding()) resume();
    });
  }

  #beginInput(ref: BlockRef, isFirst: boolean): void {
    this.#input = ref;
    this.#kept = [];
    this.#givenUp = [];
    this.#yielded = 0;
    this.#skip = isFirst ? this.message.skip : 0;
    this.#attempt = isFirst ? this.message.attempt : 1;
    this.#startTimer();
  }

  #endInput(): void {
    this.#stopTimer();
    for (const { letter, row } of this.#givenUp) {
      this.#droppedRows.push(letter);
      if (this.#tools.program.onRowError === 'deadLetter') this.#tools.onDeadRow(letter, row);
    }
    this.#consumed += 1;
    this.#yielded = 0;
    this.#skip = 0;
    this.#tools.onNews();
  }

  readonly #rowErrors: RowErrors = {
    mayGiveUp: () => this.#tools.program.onRowError !== 'fail',
    handle: (error, row, index) => {
      const { program } = this.#tools;
      const input = this.#input;
      if (program.onRowError === 'fail' || input === undefined) throw error;
      const hasAttempts = this.#attempt <= program.retries;
      if (hasAttempts && this.#judge(error).retryAfter !== undefined) throw error;
      const { lineage } = input;
      const attempts = this.#attempt;
      const place = { operator: program.name, lineage, row: index, input, published: 0 };
      this.#givenUp.push({ letter: { ...place, attempts, cause: error }, row });
    },
  };

  #finishingSignal(): AbortSignal {
    this.#finishing ??= new AbortController();
    return this.#finishing.signal;
  }

  #mayStopReading(): boolean {
    const { transform } = this.#tools.program;
    if (this.#finishing?.signal.aborted !== true || transform.kind !== 'source') return false;
    return !transform.keepsRows;
  }

  #isEnding(): boolean {
    return this.#end !== undefined || this.#cancelled !== undefined;
  }

  #finish(end: End): void {
    if (this.#end !== undefined) return;
    this.#end = this.#cancelled === undefined ? end : { type: 'end', result: undefined };
    this.#stopTimer();
    this.#stopGrace();
    this.#tools.onNews();
  }

  #isSliceOver(): boolean {
    this.#steps += 1;
    if (this.#steps >= SLICE_STEPS) return true;
    return this.#tools.env.now() - this.#sliceStart > SLICE_MS;
  }

  async #pause(): Promise<void> {
    await macrotask(this.#tools.env);
    this.#steps = 0;
    this.#sliceStart = this.#tools.env.now();
  }

  #startTimer(): void {
    this.#timeLeft = this.#tools.program.timeoutMs ?? 0;
    this.#continueTimer();
  }

  /** Waiting for credit takes none of a transform's time. */
  #continueTimer(): void {
    const { program, env } = this.#tools;
    const { timeoutMs } = program;
    this.#stopTimer();
    if (timeoutMs === undefined || this.isOver) return;
    const input = this.#input;
    this.#timedSince = env.now();
    this.#stopTimer = env.setTimer(Math.max(0, this.#timeLeft), () => {
      // A thread that was blocked meanwhile gets a turn first: the transform may be ready.
      env.defer(() => {
        if (this.#input !== input || this.#held !== undefined || this.isOver) return;
        const error = new TimeoutError(timeoutMs);
        this.#finish({ type: 'error', error });
        this.#controller?.abort(error);
      });
    });
  }

  #contextFor(ref: BlockRef | undefined): TransformContext {
    return new RunContext(this.#tools, this.#signal, ref?.lineage ?? '', this.#attempt);
  }

  /** Made when first asked for: most transforms never look at it. */
  readonly #signal = (): AbortSignal => {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      const failed = this.#end?.type === 'error' ? { reason: this.#end.error } : undefined;
      const gone = this.#cancelled ?? failed;
      if (gone !== undefined) this.#controller.abort(gone.reason);
      if (this.#tools.worker !== undefined)
        pollWhenAsked(this.#controller.signal, this.#tools.worker.poll);
    }
    return this.#controller.signal;
  };

  #judge(error: unknown): { error: unknown; retryAfter: number | undefined } {
    return judge(this.#tools.program, error, this.#attempt);
  }
}

/** Whether a failed attempt should be repeated, and when. */
export function judge(
  program: OperatorProgram,
  error: unknown,
  attempt: number,
): { error: unknown; retryAfter: number | undefined } {
  try {
    return { error, retryAfter: program.retryDelay(error, attempt) };
  } catch (policyError) {
    const message = 'the transform failed, and so did the function that judges its errors';
    return { error: new AggregateError([error, policyError], message), retryAfter: undefined };
  }
}

/**
 * A loop that never lets go of its thread hears of nothing: when it asks whether it is aborted, the
 * messages that wait are read first.
 */
function pollWhenAsked(signal: AbortSignal, poll: () => void): void {
  const aborted = (): boolean => {
    poll();
    return Reflect.get<AbortSignal, 'aborted'>(AbortSignal.prototype, 'aborted', signal);
  };
  Object.defineProperties(signal, {
    aborted: { get: aborted },
    throwIfAborted: {
      value: () => {
        if (aborted()) throw signal.reason;
      },
    },
  });
}

/** What a transform is told. Its functions are made when asked for: most transforms never do. */
class RunContext implements TransformContext {
  readonly lineage: string;
  readonly attempt: number;
  readonly #tools: RunTools;
  readonly #signal: () => AbortSignal;

  constructor(tools: RunTools, signal: () => AbortSignal, lineage: string, attempt: number) {
    this.#tools = tools;
    this.#signal = signal;
    this.lineage = lineage;
    this.attempt = attempt;
  }

  get signal(): AbortSignal {
    return this.#signal();
  }

  get operator(): string {
    return this.#tools.program.name;
  }

  /** What `setup` has made, in a worker whose transform has one. */
  get state(): unknown {
    return this.#tools.worker?.state;
  }

  get log(): TransformContext['log'] {
    return (...values) => {
      this.#tools.onLog(this, values);
    };
  }

  get progress(): TransformContext['progress'] {
    return (fraction) => {
      this.#tools.onProgress(this, fraction);
    };
  }
}

function checkRows(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError(
    `the transform yielded ${typeName(value)}; it must yield arrays of rows, or blocks`,
  );
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  const { constructor } = value as { readonly constructor?: { readonly name: string } };
  return constructor === undefined ? 'an object' : `an object (${constructor.name})`;
}
