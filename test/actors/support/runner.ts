/** An inline runner in virtual time, with a store; the test plays the tasks it works for. */
import type { Block } from '../../../actors/block.ts';
import { rowBlock } from '../../../actors/block.ts';
import { createBlockStore } from '../../../actors/block-store.ts';
import type { BlockStore } from '../../../actors/block-store.types.ts';
import { createInlineRunner, type Runner } from '../../../actors/inline-runner.ts';
import { simEnv, type SimEnv } from '../../../actors/sim-env.ts';
import type {
  BlockTransform,
  OperatorProgram,
  TaskPlace,
  Transform,
} from '../../../actors/transform.ts';
import type { BlockRef } from '../../../machines/block.ts';
import type {
  DeadLetter,
  RunnerClosed,
  RunnerOpened,
  RunnerRun,
  RunReport,
} from '../../../machines/hands.protocol.ts';
import type { Credit } from '../../../machines/resource/ledger.ts';
import type { Address } from '../../../machines/xstate.ts';
import { recorder, type Recorder } from '../../machines/support/recorder.ts';

/** Credit that never runs out in a test. */
export const PLENTY: Credit = { blocks: 1000, bytes: 1_000_000 };

export function programOf(
  transform: Transform | BlockTransform['call'],
  parts: Partial<OperatorProgram> = {},
): OperatorProgram {
  return {
    index: 0,
    name: 'work',
    transform: typeof transform === 'function' ? { kind: 'blocks', call: transform } : transform,
    output: {},
    targetBytes: 1_000_000,
    atomic: false,
    timeoutMs: undefined,
    retries: 0,
    givesInputsAway: false,
    onRowError: 'fail',
    retryDelay: () => undefined,
    ...parts,
  };
}

/** What a run has yielded so far, and how it stands. */
export interface Watched {
  readonly reports: Recorder<RunReport>;
  readonly replyTo: Address<RunReport>;
  /** The rows of all outputs, block by block. */
  readonly blocks: () => readonly (readonly unknown[])[];
  readonly refs: () => readonly BlockRef[];
  readonly last: () => RunReport | undefined;
  /** The report that ended the run. */
  readonly end: () => Extract<RunReport, { type: 'run.end' | 'run.error' }>;
  readonly credit: (credit: Credit) => void;
  readonly cancel: (reason?: unknown) => void;
  /** Tells it to read no more. */
  readonly finish: () => void;
}

export interface Harness {
  readonly env: SimEnv;
  readonly store: BlockStore;
  readonly runner: Runner;
  readonly logs: readonly { readonly context: TaskPlace; readonly values: unknown }[];
  readonly deadRows: readonly { readonly letter: DeadLetter; readonly row: unknown }[];
  readonly put: (rows: readonly unknown[] | Block<unknown>, lineage?: string) => BlockRef;
  readonly open: () => Promise<RunnerOpened | undefined>;
  readonly close: (
    outcome: 'done' | 'failed' | 'cancelled',
    reason?: unknown,
  ) => Promise<RunnerClosed | undefined>;
  /** Starts a run over blocks of these rows. Nothing happens before virtual time passes. */
  readonly run: (
    inputs: readonly (readonly unknown[] | BlockRef)[],
    parts?: Partial<RunnerRun>,
  ) => Watched;
}

export function harness(programs: readonly OperatorProgram[], env = simEnv()): Harness {
  const store = createBlockStore();
  const logs: { context: TaskPlace; values: unknown }[] = [];
  const deadRows: { letter: DeadLetter; row: unknown }[] = [];
  const runner = createInlineRunner({
    env,
    store,
    programs,
    onLog: (context, values) => {
      logs.push({ context, values });
    },
    onProgress: (context, fraction) => {
      logs.push({ context, values: fraction });
    },
    onDeadRow: (letter, row) => {
      deadRows.push({ letter, row });
    },
  });
  let runs = 0;
  let lineages = 0;

  const put: Harness['put'] = (rows, lineage = String(lineages++)) => {
    const block = Array.isArray(rows) ? rowBlock(rows) : (rows as Block<unknown>);
    return store.put(block, lineage, -1);
  };

  function run(
    inputs: readonly (readonly unknown[] | BlockRef)[],
    parts: Partial<RunnerRun> = {},
  ): Watched {
    const reports = recorder<RunReport>();
    const replyTo = parts.replyTo ?? reports.address;
    const refs = inputs.map((input) => ('id' in input ? input : put(input)));
    const number = parts.run ?? ++runs;
    runner.receive({
      type: 'runner.run',
      operator: 0,
      task: 0,
      attempt: 1,
      inputs: refs,
      perPort: [refs.length],
      ended: [false],
      skip: 0,
      credit: PLENTY,
      flush: false,
      ...parts,
      run: number,
      replyTo,
    });
    const outputs = (): readonly BlockRef[] => reports.messages.flatMap((report) => report.outputs);
    return {
      reports,
      replyTo,
      refs: outputs,
      blocks: () => outputs().map((ref) => store.get(ref).rows),
      last: () => reports.messages.at(-1),
      end() {
        const last = reports.messages.at(-1);
        if (last === undefined || last.type === 'run.progress') throw new Error('it goes on');
        return last;
      },
      credit: (credit) => {
        runner.receive({ type: 'runner.credit', run: number, credit, replyTo });
      },
      cancel: (reason) => {
        runner.receive({ type: 'runner.cancel', run: number, reason, replyTo });
      },
      finish: () => {
        runner.receive({ type: 'runner.finish', run: number, replyTo });
      },
    };
  }

  return {
    env,
    store,
    runner,
    logs,
    deadRows,
    put,
    run,
    async open() {
      const opened = recorder<RunnerOpened>();
      runner.receive({ type: 'runner.open', replyTo: opened.address });
      await env.advance();
      return opened.messages[0];
    },
    async close(outcome, reason) {
      const closed = recorder<RunnerClosed>();
      runner.receive({ type: 'runner.close', outcome, reason, replyTo: closed.address });
      await env.advance();
      return closed.messages[0];
    },
  };
}
