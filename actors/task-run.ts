/**
 * One run of a transform in this thread: calls it for each input block, turns what it yields into
 * blocks in the store, and waits when there is no output credit. What has happened is collected until
 * the runner sends the next report.
 */
import type { BlockRef } from '../machines/block.ts';
import { TimeoutError } from '../machines/errors.ts';
import type { DeadLetter, RunReport } from '../machines/hands.protocol.ts';
import type { Credit } from '../machines/resource/ledger.ts';
import { asColumns, isBlock, type Block } from './block.ts';
import type { ColumnBlock } from './columns/column-block.ts';
import { createAttemptTimer, type AttemptTimer } from './attempt-timer.ts';
import { GRACE_MS } from './env.ts';
import { freezeRows } from './isolation.ts';
import { createBlockSizer, type BlockSizer } from './output-blocks.ts';
import { pollWhenAsked, RunContext } from './run-context.ts';
import { RunNews, type RunEnd } from './run-news.ts';
import { RunOutputs } from './run-outputs.ts';
import { judge, type Running, type RunMessage, type RunTools } from './running.ts';
import type { RowErrors, StatefulInput, StatefulResult, TransformContext } from './transform.ts';
import { createTimeSlice, type TimeSlice } from './time-slice.ts';
import { checkRows, isAsyncIterable, isIterable, typeName } from './transform-result.ts';

export class TaskRun implements Running {
  readonly message: RunMessage;
  readonly #tools: RunTools;
  readonly #sizer: BlockSizer;
  /** Blocks of an atomic operator, until their input is done with. */
  #kept: Block<unknown>[] = [];
  readonly #news = new RunNews();
  /** Rows of the input in progress that were given up: they count when it is done with. */
  #givenUp: { readonly letter: DeadLetter; readonly row: unknown }[] = [];
  /** No more should be read. */
  #finishing: AbortController | undefined;
  readonly #outputs: RunOutputs;
  /** The input in progress. */
  #input: BlockRef | undefined;
  #isLoading = false;
  #attempt = 1;
  #end: RunEnd | undefined;
  /** The transform gives one block for the input in progress: what follows is its end. */
  isWhole = false;
  #controller: AbortController | undefined;
  #cancelled: { readonly reason: unknown } | undefined;
  readonly #slice: TimeSlice;
  readonly #timer: AttemptTimer;
  #stopGrace: () => void = () => undefined;

  constructor(message: RunMessage, tools: RunTools) {
    this.message = message;
    this.#tools = tools;
    this.#sizer = createBlockSizer(tools.program.output, tools.program.targetBytes);
    this.#timer = createAttemptTimer(tools.env, tools.program.timeoutMs, (timeoutMs) => {
      const error = new TimeoutError(timeoutMs);
      this.#finish({ type: 'error', error });
      this.#controller?.abort(error);
    });
    this.#slice = createTimeSlice(tools.env);
    this.#outputs = new RunOutputs(
      tools,
      {
        news: this.#news,
        timer: this.#timer,
        slice: this.#slice,
        isEnding: () => this.#isEnding(),
        isOver: () => this.isOver,
        onResume: () => {
          if (this.#mayStopReading()) this.#awaitEnd();
        },
      },
      message.credit,
    );
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
    this.#slice.begin();
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
    this.#outputs.addCredit(credit);
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
      if (this.#outputs.missing === undefined) this.#finish({ type: 'end', result: undefined });
    });
  }

  /** Asks the transform to end. If it does not within a grace, it is left to itself, without a voice. */
  cancel(reason: unknown): void {
    if (this.isOver || this.#cancelled !== undefined) return;
    this.#cancelled = { reason };
    this.#controller?.abort(reason);
    this.#outputs.resume();
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
    return this.#news.take({
      run: this.message.run,
      now: this.#tools.env.now(),
      partial: this.#outputs.partial,
      held: this.#outputs.missing,
      end: this.#end,
      judge: (error) => this.#judge(error),
    });
  }

  async #runBlocks(): Promise<undefined> {
    const { env, store, program } = this.#tools;
    for (const [index, ref] of this.message.inputs.entries()) {
      if (this.#isEnding()) return;
      this.#beginInput(ref, index === 0);
      const wait = this.#outputs.awaitCredit();
      if (wait !== undefined) await wait;
      if (this.#isEnding()) return;
      const loaded = store.load(ref);
      // Waiting for what is there would cost each block a turn.
      const block = loaded instanceof Promise ? await this.#loading(loaded) : loaded;
      if (this.#isEnding()) return;
      const isSeenByOthers = program.retries > 0 || store.isShared(ref);
      const before = env.now();
      let result: unknown;
      try {
        result = await this.#invoke(block, isSeenByOthers, this.#contextFor(ref));
      } finally {
        this.#news.busyMs += env.now() - before;
      }
      const published = this.#publishResult(result);
      if (published !== undefined) await published;
      if (this.#isEnding()) return;
      this.#kept.push(...this.#sizer.flush());
      if (this.#kept.length > 0) await this.#outputs.publishAll(this.#kept);
      if (this.#isEnding()) return;
      if (program.givesInputsAway) store.spend(ref);
      this.#endInput();
      if (this.#slice.isOver()) await this.#slice.pause();
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

  /** Calls the transform for one block; returns what that has: a promise perhaps. */
  #invoke(block: Block<unknown>, isSeenByOthers: boolean, context: TransformContext): unknown {
    const { env, program } = this.#tools;
    const { transform } = program;
    if (transform.kind === 'blocks') {
      const asks = transform.format === 'columns';
      const input = asks ? columnsFor(block, isSeenByOthers) : block.rows;
      if (!asks && isSeenByOthers) freezeRows(block.rows);
      return transform.call(input as never, context, this.#rowErrors);
    }
    if (transform.kind === 'source') {
      const tools = { env, finishing: this.#finishingSignal() };
      return transform.read(block.rows[0] as never, context, tools);
    }
    return undefined;
  }

  /** Publishes what the transform returned; returns a promise only if that takes time. */
  #publishResult(result: unknown): Promise<void> | undefined {
    const isSource = this.#tools.program.transform.kind === 'source';
    // An array is the rows of one block, except that a source may have all its blocks in one.
    this.isWhole = isBlock(result) || (Array.isArray(result) && !isSource);
    if (this.isWhole) return this.#yield(result);
    if (isAsyncIterable(result)) return this.#drain(result[Symbol.asyncIterator]());
    if (isIterable(result)) return this.#drain(result[Symbol.iterator]());
    throw new TypeError(
      `the transform returned ${typeName(result)}; it must return an array of rows, a block, or an iterable of them`,
    );
  }

  async #drain(iterator: Iterator<unknown> | AsyncIterator<unknown>): Promise<void> {
    const { env } = this.#tools;
    let finished = false;
    try {
      for (;;) {
        const wait = this.#outputs.awaitCredit();
        if (wait !== undefined) await wait;
        if (this.#isEnding() || this.#mayStopReading()) return;
        // A generator that ends, or that throws, needs no telling.
        finished = true;
        const before = env.now();
        let step: IteratorResult<unknown>;
        try {
          step = await iterator.next();
        } finally {
          this.#news.busyMs += env.now() - before;
        }
        if (step.done === true) return;
        finished = false;
        const held = this.#yield(step.value);
        if (held !== undefined) await held;
        if (this.#slice.isOver()) await this.#slice.pause();
      }
    } finally {
      // Left early: the generator gets to run its `finally` blocks.
      if (!finished) await iterator.return?.();
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
        for (const block of made) await this.#outputs.publish(block);
      },
      forward: (ref: BlockRef): void => {
        store.extend(ref);
        this.#news.outputs.push(ref);
        this.#tools.onNews();
      },
    };
    this.#timer.start();
    const before = env.now();
    const result = await stateful.take(bound, ended, flush, output, context);
    this.#news.busyMs += env.now() - before;
    for (const block of this.#sizer.flush()) await this.#outputs.publish(block);
    this.#news.consumed = inputs.length;
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
    if (blocks.length === 1) return this.#outputs.publish(only);
    return this.#outputs.publishAll(blocks);
  }

  #beginInput(ref: BlockRef, isFirst: boolean): void {
    this.#input = ref;
    this.#kept = [];
    this.#givenUp = [];
    this.#attempt = isFirst ? this.message.attempt : 1;
    this.#outputs.begin(ref, this.#attempt, isFirst ? this.message.skip : 0);
    this.#timer.start();
  }

  #endInput(): void {
    this.#timer.stop();
    for (const { letter, row } of this.#givenUp) {
      this.#news.droppedRows.push(letter);
      if (this.#tools.program.onRowError === 'deadLetter') this.#tools.onDeadRow(letter, row);
    }
    this.#news.consumed += 1;
    this.#outputs.end();
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

  #finish(end: RunEnd): void {
    if (this.#end !== undefined) return;
    this.#end = this.#cancelled === undefined ? end : { type: 'end', result: undefined };
    this.#timer.stop();
    this.#stopGrace();
    this.#tools.onNews();
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

/** The block as a transform of columns gets it. Arrays that others see, too, are not its to give away. */
function columnsFor(block: Block<unknown>, isSeenByOthers: boolean): ColumnBlock<unknown> {
  const columns = asColumns(block).show();
  return isSeenByOthers && columns === block ? columns.slice(0, columns.numRows) : columns;
}
