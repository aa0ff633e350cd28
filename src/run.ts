/** The handle of a run: what comes out of it, what can be seen of it, and how it is steered. */
import { Observable } from 'rxjs';
import { createActor, type Actor, type InspectionEvent, type Observer } from 'xstate';
import type { World } from '../actors/world.ts';
import type { BlockRef } from '../machines/block.ts';
import { CancelledError, describe, OptionError, RunError } from '../machines/errors.ts';
import type { Plan } from '../machines/plan.ts';
import type { RunEvent, RunEventBody } from '../machines/run-event.ts';
import type { RunReport } from '../machines/supervisor/run-report.ts';
import type { RowsInput } from '../actors/sources.ts';
import { assemble, PIPELINE_OPTIONS, type PipelineOptions } from './assembly.ts';
import { resolveBudget, type Budget } from './budget.ts';
import type { FlowNode } from './graph.ts';
import type { RunCommand } from '../machines/supervisor/supervisor.protocol.ts';
import { inspectionAsked } from './inspect/asked.ts';
import type { InspectorOptions, RecordingFile, RecordOptions } from './inspect/options.ts';
import { keepInternals } from './run-internals.ts';
import { createOutput } from './run-output.ts';
import { supervisorLogic, type PipelineLogic } from './logic.ts';
import { createTrace } from './trace.ts';
import { createGuard, type CallbackGuard } from './callback-guard.ts';
import { checkCount, checkNames } from './options.ts';
import { noSuchOperator, operatorNamed } from './operator-named.ts';
import { outputBlock, type OutputBlock } from './output-block.ts';
import { watchRefs } from './ref-leaks.ts';
import { nextCycle } from './next-cycle.ts';
import { pushRows, readableStream } from './streams.ts';
import { checkNeeds, isSink } from './plan.ts';
import {
  explainOperator,
  statusLine,
  takeSnapshot,
  type ChartSnapshot,
  type Explanation,
  type RunSnapshot,
} from './snapshot.ts';

/** Rows for a flow that begins with `fed`. */
export interface FedWith<In> {
  readonly input: RowsInput<In> | (() => RowsInput<In>);
}

export interface StartOptions extends PipelineOptions {
  /** Cancels the run when it is aborted; the reason is kept. */
  readonly signal?: AbortSignal;
  /** XState's own inspection: sees every actor of the run from its first message. */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void);
  /** Gets every event of the run. What it throws never hurts the run. */
  readonly onEvent?: (event: RunEvent) => void;
}

export interface StepOptions {
  /** `task`: a cycle in which at most one task starts. Default: `cycle`. */
  readonly by?: 'cycle' | 'task';
  /** With `task`: of which operator. Default: of the one that is next. */
  readonly operator?: string;
}

/** A run under way. It is an async iterable of its rows, and has one consumer. */
export interface Run<T> extends AsyncIterable<T>, AsyncDisposable {
  readonly name: string;
  /** The blocks as they come. Leaving the loop early cancels the run. */
  blocks(): AsyncIterableIterator<OutputBlock<T>>;
  /** The rows as they come. */
  rows(): AsyncIterableIterator<T>;
  /** References to the blocks: each is the consumer's to `read` and to `release`. */
  refs(): AsyncIterableIterator<BlockRef>;
  /** The block a ref stands for, as long as it is not released. */
  read(ref: BlockRef): OutputBlock<T>;
  /**
   * Lets a block go that came out of `refs`. What worker threads have made of columns is gone at once, with
   * the arrays that were read from it: copy what is needed for longer.
   */
  release(ref: BlockRef): void;
  /** All rows, in the order in which they come. */
  collect(): Promise<T[]>;
  /** Runs for its effects: outputs are let go of as they come. */
  drain(): Promise<RunReport>;
  /** The rows as a stream that takes nothing before it is asked; cancelling it cancels the run. */
  toReadableStream(): ReadableStream<T>;
  /** The rows as an observable, for one subscriber; unsubscribing cancels the run. */
  toObservable(): Observable<T>;
  /**
   * What happened, when it is over: resolves when the run is done or cancelled, rejects with the
   * TaskError when it failed.
   */
  readonly done: Promise<RunReport>;
  /** Starts no task until `resume`; running ones go on. */
  pause(): void;
  resume(): void;
  /**
   * Lets one cycle of the supervisor pass, and pauses again. Resolves when it has.
   * @throws OptionError when there is no such operator.
   */
  step(options?: StepOptions): Promise<void>;
  /**
   * Reads no more and finishes what was read: the gentle end. Resolves when the run is over, as `done`
   * with a report that says `stopped`.
   */
  stop(): Promise<void>;
  /** Ends the run: every running task is told by its signal. Resolves when nothing of it is left. */
  cancel(reason?: unknown): Promise<void>;
  /** Changes the budget from now on. What is out stays out: nothing starts until it fits again. */
  setBudget(budget: Budget): void;
  /**
   * Changes how many tasks of an operator may run at once; those that run go on.
   * @throws OptionError when there is no such operator, when it runs one task at a time because it keeps
   * state, or when the number is not a whole one of at least 1.
   */
  setMaxConcurrency(operator: string, maxConcurrency: number): void;
  snapshot(): RunSnapshot;
  /** `A[in=0 act=2 out=1 done=3] | B[in=1 act=0 out=0 done=2]` */
  status(): string;
  /**
   * Why an operator does what it does, and where its time went.
   * @throws OptionError when there is no such operator.
   */
  explain(operator: string): Explanation;
  /**
   * Shows the run in a browser: serves the inspector on this machine and returns the page's address,
   * which has a token in it. The runs of a process share one inspector. Needs Node and `ws`.
   */
  inspect(options?: InspectorOptions): Promise<string>;
  /**
   * Records the run to a file from now on, to be opened with `sluice open`. Resolves when recording has
   * begun; `done` of the result when the file is complete. Needs Node.
   */
  record(path: string, options?: RecordOptions): Promise<RecordingFile>;
  /** Every event of the run, from the moment of subscription on; costs nothing until then. */
  readonly trace: Observable<RunEvent>;
  /**
   * What went wrong beside the run and never hurt it: functions to watch it that threw, and refs that
   * were dropped without being released.
   */
  readonly callbackErrors: { readonly count: number; readonly first: unknown };
  /** The supervisor's actor. */
  readonly actor: Actor<PipelineLogic<T>>;
}

const START_OPTIONS = [...PIPELINE_OPTIONS, 'signal', 'inspect', 'onEvent', 'input'] as const;

export function startRun<T>(
  name: string,
  last: FlowNode,
  options: StartOptions & Partial<FedWith<unknown>>,
): Run<T> {
  checkNames('options', options, START_OPTIONS);
  const { signal, inspect, onEvent, ...assemblyOptions } = options;
  // Simulated runs are over before anybody could look.
  const asked = options.env === undefined ? inspectionAsked() : undefined;
  const listeners = new Set<(event: RunEventBody) => unknown>();
  const note = (event: RunEventBody): void => {
    for (const listener of listeners) listener(event);
  };
  const callbacks = createGuard();
  const { plan, world, input } = assemble(name, last, assemblyOptions, {
    onLog: ({ operator, lineage }, values) => {
      note({ type: 'log', operator, lineage, text: values.map(describe).join(' ') });
    },
    onProgress: ({ operator, lineage }, fraction) => {
      note({ type: 'progress', operator, lineage, fraction });
    },
    onDeadLetter: () => undefined,
    onCallbackError: callbacks.report,
  });
  const cancelled = signal?.aborted === true ? { reason: signal.reason as unknown } : undefined;
  const logic = supervisorLogic<T>(() => ({ world, input: { ...input, cancelled } }));
  const actor = createActor(logic, {
    id: name,
    input: undefined,
    ...(inspect === undefined ? {} : { inspect: callbacks.guarded(toFunction(inspect)) }),
  });
  const { env } = world;
  const startedAt = env.now();
  const trace = createTrace(actor, { plan, world, startedAt }, listeners);
  if (onEvent !== undefined) trace.subscribe(callbacks.guarded(onEvent));
  if (isSink(last)) world.outlet.consume({ kind: 'drain' });
  const run = createRun<T>({ name, actor, plan, world, trace, signal, callbacks });
  keepInternals(run, { env, startedAt, note });
  actor.start();
  if (asked !== undefined) void showAsked(run, asked);
  return run;
}

async function showAsked<T>(run: Run<T>, asked: { readonly control: boolean }): Promise<void> {
  const { announceRun } = await import('./node-tools.ts');
  await announceRun(run, asked);
}

interface RunParts<T> {
  readonly name: string;
  readonly actor: Actor<PipelineLogic<T>>;
  readonly plan: Plan;
  readonly world: World;
  readonly trace: Observable<RunEvent>;
  readonly signal: AbortSignal | undefined;
  readonly callbacks: CallbackGuard;
}

function createRun<T>({ name, actor, plan, world, trace, signal, callbacks }: RunParts<T>): Run<T> {
  const { outlet, store, env } = world;
  /** Whether somebody will hear of a failure. */
  let observed = false;
  const leaks = watchRefs(callbacks.report);

  const supervisor = (): ChartSnapshot => actor.getSnapshot() as unknown as ChartSnapshot;

  const ended = new Promise<{ report: RunReport } | { error: unknown }>((resolve) => {
    // It is over when nothing is left of it on disk either.
    const end = (outcome: { report: RunReport } | { error: unknown }): void => {
      void world.dispose('the run is over').then(() => {
        resolve(outcome);
      });
    };
    actor.subscribe({
      complete: () => {
        const { output } = actor.getSnapshot();
        const stopped = new CancelledError(name, 'its actor was stopped');
        end(output === undefined ? { error: stopped } : { report: output });
      },
      error: (error) => {
        end({ error });
      },
    });
  });

  /** Tells the supervisor something, unless it is over: a message to a stopped actor is lost. */
  function tell(command: RunCommand): void {
    if (actor.getSnapshot().status === 'active') actor.send(command);
  }

  /** Ends the run; of one that is over, what its consumer has not taken. */
  async function endRun(reason: unknown): Promise<void> {
    if (actor.getSnapshot().status === 'active') tell({ type: 'run.cancel', reason });
    else await world.abandon(reason);
    await ended;
  }

  const onAbort = (): void => {
    void endRun(signal?.reason);
  };
  signal?.addEventListener('abort', onAbort);
  void ended.then(async (end) => {
    // Nobody looks at the run: its failure is an unhandled rejection, as of any promise.
    if ('error' in end && !observed) void Promise.reject(toError(end.error));
    await world.settled();
    signal?.removeEventListener('abort', onAbort);
  });

  async function result(): Promise<RunReport> {
    const end = await ended;
    if ('error' in end) throw end.error;
    return end.report;
  }
  let done: Promise<RunReport> | undefined;

  function claim(consumption: 'pull' | 'drain'): void {
    if (outlet.isConsumed) {
      throw new RunError(
        `the run of "${name}" has a consumer already: use flow.tee() for two, or start a second run`,
      );
    }
    observed = true;
    outlet.consume({ kind: consumption });
  }

  const output = createOutput<T>({
    name,
    outlet,
    store,
    result,
    async leave(reason) {
      tell({ type: 'run.cancel', reason });
      outlet.abandon();
      await ended;
    },
  });

  async function* watchedRefs(): AsyncGenerator<BlockRef, undefined> {
    for await (const ref of output.refs()) {
      leaks.watch(ref);
      yield ref;
    }
  }

  function claimed<R>(make: () => R): R {
    claim('pull');
    return make();
  }

  const run: Run<T> = {
    name,
    actor,
    trace,
    get callbackErrors() {
      return callbacks.errors();
    },
    blocks: () => claimed(output.blocks),
    rows: () => claimed(output.rows),
    refs: () => claimed(watchedRefs),
    [Symbol.asyncIterator]: () => claimed(output.rows),
    read: (ref) => outputBlock<T>(store, ref),
    release: (ref) => {
      leaks.forget(ref);
      output.release(ref);
    },
    async collect() {
      const collected: T[] = [];
      for await (const rows of claimed(output.rowArrays)) {
        for (const row of rows) collected.push(row);
      }
      return collected;
    },
    async drain() {
      if (!outlet.isConsumed) claim('drain');
      observed = true;
      return result();
    },
    get done() {
      observed = true;
      done ??= result();
      return done;
    },
    pause() {
      tell({ type: 'run.pause' });
    },
    resume() {
      tell({ type: 'run.resume' });
    },
    async step(options = {}) {
      checkNames('options', options, ['by', 'operator']);
      const { by = 'cycle', operator } = options;
      const index = operator === undefined ? undefined : operatorNamed(plan, operator).index;
      const stepped = nextCycle(actor);
      tell({ type: 'run.step', task: by === 'task' ? { operator: index } : undefined });
      await stepped;
    },
    toReadableStream: () => readableStream(run, (error) => error),
    toObservable: () => new Observable((subscriber) => pushRows(run, subscriber)),
    async stop() {
      observed = true;
      tell({ type: 'run.stop' });
      await ended;
    },
    async cancel(reason) {
      observed = true;
      await endRun(reason);
    },
    setBudget(budget) {
      const resolved = resolveBudget(budget);
      checkNeeds(plan, resolved);
      tell({ type: 'run.setBudget', budget: resolved });
    },
    setMaxConcurrency(operator, maxConcurrency) {
      const { index, serial } = operatorNamed(plan, operator);
      checkCount('maxConcurrency', maxConcurrency, 1);
      if (serial && maxConcurrency !== 1) {
        throw new OptionError(
          'maxConcurrency',
          `"${operator}" keeps state between its tasks: it runs one at a time`,
        );
      }
      tell({ type: 'run.setMaxConcurrency', operator: index, maxConcurrency });
    },
    snapshot: () => takeSnapshot(supervisor()),
    status: () => statusLine(takeSnapshot(supervisor())),
    explain(operator) {
      const explanation = explainOperator(supervisor(), operator, env.now());
      return explanation ?? noSuchOperator(plan, operator);
    },
    async inspect(options = {}) {
      const { inspectRun } = await import('./node-tools.ts');
      return inspectRun(run, options);
    },
    async record(path, options = {}) {
      const { recordRun } = await import('./node-tools.ts');
      return recordRun(run, path, options);
    },
    async [Symbol.asyncDispose]() {
      observed = true;
      await endRun('disposed');
    },
  };
  return run;
}

function toFunction(
  inspect: NonNullable<StartOptions['inspect']>,
): (event: InspectionEvent) => void {
  return typeof inspect === 'function' ? inspect : (event) => inspect.next?.(event);
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(describe(thrown), { cause: thrown });
}
