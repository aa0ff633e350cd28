/**
 * What the two sides of a worker say to each other. The same over Node's worker threads and the web's
 * workers: all of it survives `postMessage`.
 */
import type { DeadLetter } from '../../machines/hands.protocol.ts';
import type { Credit } from '../../machines/resource/ledger.ts';
import type { BlockMessage } from '../block.ts';
import type { RunMessage } from '../running.ts';
import type { OperatorProgram, TaskPlace } from '../transform.ts';
import type { Board } from './board.ts';
import type { PackedError } from './packed-error.ts';

/** What a function is called with: one row, or the rows of a block. */
export type CallShape = 'map' | 'filter' | 'flatMap' | 'mapBlocks';

/** What a worker has to know about the operator it works for. */
export interface WorkerProgram {
  /** The name under which the module exports the transform. */
  readonly exportName: string;
  readonly shape: CallShape;
  /** What a transform of blocks gets. */
  readonly format: 'rows' | 'columns';
  /** What `setup` is called with. */
  readonly options: unknown;
  /** Number of the worker in its pool, from 0. */
  readonly worker: number;
  readonly operator: Pick<
    OperatorProgram,
    'index' | 'name' | 'output' | 'targetBytes' | 'atomic' | 'retries' | 'onRowError'
  >;
  /** Each input that is done with is reported at once: somebody looks at the clock. */
  readonly reportsInputs: boolean;
  /** Bytes of buffers the worker may hold outside of its heap; undefined: as many as it wants. */
  readonly bufferBytes: number | undefined;
}

/** A run, with what the other side has to know of it and no more: messages cost by the field. */
export interface WorkerRun extends Pick<RunMessage, 'attempt' | 'skip' | 'credit'> {
  /** Its number at this worker, from 1. */
  readonly id: number;
  /** Where on the board it may be claimed. */
  readonly place: number;
  /** The lineages of its inputs, and the inputs. */
  readonly lineages: readonly string[];
  readonly blocks: readonly BlockMessage[];
  /** No other attempt will follow: rows that fail are given up now. */
  readonly isLast: boolean;
}

export type ToWorker =
  | {
      readonly type: 'open';
      readonly program: WorkerProgram;
      readonly board: Board | undefined;
    }
  /** Runs to begin, in this order. */
  | { readonly type: 'runs'; readonly runs: readonly WorkerRun[] }
  | { readonly type: 'credit'; readonly id: number; readonly credit: Credit }
  | { readonly type: 'cancel'; readonly id: number; readonly reason: PackedError }
  /** No run will come any more: tear down, then `closed`. */
  | { readonly type: 'close' };

/** A row that was given up, with what it failed on. */
export interface PackedLetter {
  readonly letter: Omit<DeadLetter, 'cause' | 'input'>;
  readonly cause: PackedError;
  /** Undefined unless it is to be handed out. */
  readonly row: unknown;
}

/** What a run has done since its last message. */
export interface WorkerDelta {
  /** Inputs that are done with. */
  readonly consumed: number;
  readonly busyMs: number;
  readonly droppedRows: readonly PackedLetter[];
}

/**
 * A block that was made, and what was done before the input that it was made from. A tuple: where blocks
 * are small, the names of fields would be most of a message.
 */
export type WorkerOutput = readonly [
  block: BlockMessage,
  consumed: number,
  busyMs: number,
  droppedRows?: readonly PackedLetter[],
];

/** What has happened after the last output. */
export interface WorkerReport extends WorkerDelta {
  readonly held: Credit | undefined;
  /** Undefined while the run goes on. */
  readonly end: 'done' | { readonly error: PackedError } | undefined;
  /** Who has the thread when this run has ended or holds; undefined when nobody waits for it. */
  readonly next: number | undefined;
  /** The worker holds more memory than it may: it wants no run any more. */
  readonly isSpent: boolean;
}

/** What has happened in one run since it was last heard of. */
export interface RunNews {
  readonly id: number;
  readonly outputs: readonly WorkerOutput[];
  readonly report: WorkerReport | undefined;
}

export type FromWorker =
  /** The module is loaded and has what is wanted of it. */
  | { readonly type: 'loaded' }
  /** Set up: runs can begin. */
  | { readonly type: 'ready' }
  /** It will never be ready. */
  | { readonly type: 'refused'; readonly error: PackedError }
  /** Of one run or several, in the order in which it has happened. */
  | { readonly type: 'news'; readonly news: readonly RunNews[] }
  | { readonly type: 'log'; readonly place: TaskPlace; readonly values: readonly unknown[] }
  | { readonly type: 'progress'; readonly place: TaskPlace; readonly fraction: number }
  | { readonly type: 'closed' };

/** The worker's end of the line. */
export interface WorkerPort {
  readonly post: (message: FromWorker, transfer: Transferable[]) => void;
  readonly listen: (listener: (message: ToWorker) => void) => void;
  /** Reads the messages that wait, at once; does nothing where that is not possible. */
  readonly poll: () => void;
}

/** A worker as the pool sees it, whatever it is made of. */
export interface WorkerThread {
  readonly post: (message: ToWorker, transfer: Transferable[]) => void;
  readonly listen: (listener: WorkerListener) => void;
  /** Ends it, whatever it does. Resolves when it is gone. */
  readonly terminate: () => Promise<void>;
}

export interface WorkerListener {
  readonly onMessage: (message: FromWorker) => void;
  /** It is gone, or as good as gone. */
  readonly onLost: (loss: WorkerLoss) => void;
}

export interface WorkerLoss {
  readonly exitCode: number | undefined;
  /** What it failed on, if that is known: anything can be thrown. */
  readonly thrown: { readonly error: unknown } | undefined;
}
