/** What an operator does with its blocks, as the runner sees it. */
import type { BlockRef } from '../machines/block.ts';
import type { Block } from './block.ts';
import type { Env } from './env.ts';
import type { Running, RunMessage, RunTools } from './running.ts';

/** What a transform is told besides its rows. */
export interface TransformContext {
  /** Aborted when the task is to end: the run is cancelled, or nobody wants the output. */
  readonly signal: AbortSignal;
  /** Which attempt at this block this is, from 1. */
  readonly attempt: number;
  /** Lineage of the input block: the same on every schedule and every attempt. */
  readonly lineage: string;
  /** Name of the operator. */
  readonly operator: string;
  /** Notes something for whoever watches the run. */
  readonly log: (...values: unknown[]) => void;
  /** Tells how much of the task is done, from 0 to 1. */
  readonly progress: (fraction: number) => void;
}

/** Which task something is about. */
export type TaskPlace = Pick<TransformContext, 'operator' | 'lineage' | 'attempt'>;

/** A transform without memory: one call for each input block. */
export interface BlockTransform {
  readonly kind: 'blocks';
  /** What it gets: the rows of a block, or the block as columns. Default: rows. */
  readonly format?: 'rows' | 'columns';
  readonly call: (input: never, context: TransformContext, rowErrors: RowErrors) => unknown;
}

/** What becomes of a row that a transform of rows fails on. */
export interface RowErrors {
  /** Whether `handle` may give a row up: then none of what the row has become may be out already. */
  readonly mayGiveUp: () => boolean;
  /** Gives the row up, or throws the error again when that is not the policy. */
  readonly handle: (error: unknown, row: unknown, index: number) => void;
}

/** An input of a stateful transform. */
export interface StatefulInput {
  readonly port: number;
  readonly ref: BlockRef;
  readonly block: Block<unknown>;
}

/** Where a stateful transform puts its outputs. Each call waits for output credit. */
export interface Output {
  /** A new block, or the rows of one. */
  readonly emit: (rows: readonly unknown[] | Block<unknown>) => Promise<void> | void;
  /** An input block as it is, without a copy. */
  readonly forward: (ref: BlockRef) => void;
}

/** What is left to do after a stateful transform has taken its inputs. */
export interface StatefulResult {
  /** No more input is needed, ever. */
  readonly satisfied: boolean;
  /** Input ports it cannot go on without; undefined with a single port. */
  readonly wants?: readonly number[];
}

/** One run's instance of a transform that remembers: it is called in order, one task at a time. */
export interface StatefulProgram {
  /** Before anything runs: files are opened here, so that a bad path fails at once. */
  readonly open?: (signal: AbortSignal) => Promise<void> | void;
  /**
   * Takes inputs. `ended` tells which ports get nothing after these; with `flush` the inputs are over
   * and what was kept back must come out.
   */
  take(
    inputs: readonly StatefulInput[],
    ended: readonly boolean[],
    flush: boolean,
    output: Output,
    context: TransformContext,
  ): Promise<StatefulResult> | StatefulResult;
  /** The run is over, in one way or another. Called once, even when `open` failed. */
  readonly close?: (
    outcome: 'done' | 'failed' | 'cancelled',
    reason: unknown,
  ) => Promise<void> | void;
}

export interface StatefulTransform {
  readonly kind: 'stateful';
  /** Makes the instance for one run. */
  readonly create: (tools: StatefulTools) => StatefulProgram;
}

/** What a stateful transform may use to hold on to input blocks beyond the task that brought them. */
export interface StatefulTools {
  readonly retain: (ref: BlockRef) => void;
  readonly release: (ref: BlockRef) => void;
}

/** A source: what there is to read, and how one part of it is read. */
export interface SourceTransform {
  readonly kind: 'source';
  readonly splits: (signal: AbortSignal) => readonly unknown[] | Promise<readonly unknown[]>;
  readonly read: (split: never, context: TransformContext, tools: SourceTools) => unknown;
  /** Keeps rows between two blocks: it must be asked on until it ends, lest they be lost. */
  readonly keepsRows: boolean;
  /** A split can be read again, and gives the same blocks. Default: it can be read once. */
  readonly isRereadable?: boolean;
  /** Fed from outside: the input is given when a run starts. */
  readonly isInput?: boolean;
}

export interface SourceTools {
  readonly env: Env;
  /** Aborted when no more should be read. What was read is still wanted. */
  readonly finishing: AbortSignal;
}

/** A transform without memory that runs outside of this thread. */
export interface RemoteTransform {
  readonly kind: 'remote';
  /** Makes what runs the operator's tasks, for one run of the pipeline. */
  readonly createHost: (program: OperatorProgram, tools: HostTools) => TaskHost;
}

export interface HostTools extends Pick<RunTools, 'onLog' | 'onProgress'> {
  readonly env: Env;
}

/** Runs the tasks of one operator somewhere else. */
export interface TaskHost {
  /** Before anything runs: what cannot work at all fails here. */
  readonly open: () => Promise<void>;
  readonly run: (message: RunMessage, tools: RunTools) => Running;
  /**
   * A run on its own, which is to be started: it takes nothing that other runs have or wait for, so that it
   * ends even while all of them wait for what it makes. Also after `close`, which waits for those that
   * were made before. Its end is told when nothing of it is left.
   */
  readonly runAlone: (message: RunMessage, tools: RunTools) => Running;
  /** Ends what still runs. Resolves when nothing of it is left; never rejects. */
  readonly close: () => Promise<void>;
}

export type Transform = BlockTransform | StatefulTransform | SourceTransform | RemoteTransform;

/** How outputs become blocks. */
export interface OutputSizing {
  /** Rows a block should have: what is yielded is merged and split to that. */
  readonly rows?: number | undefined;
  /** Bytes a block should have: what is yielded is merged and split to about that. */
  readonly bytes?: number | undefined;
}

/** What the runner has to know about one operator. */
export interface OperatorProgram {
  readonly index: number;
  readonly name: string;
  readonly transform: Transform;
  readonly output: OutputSizing;
  /** Bytes a block has at most, if its rows allow. */
  readonly targetBytes: number;
  /** Outputs of a block are held back until all of them are made. */
  readonly atomic: boolean;
  /** Milliseconds one attempt at one block may take, waiting for credit not counted. */
  readonly timeoutMs: number | undefined;
  /** How often a failed attempt may be repeated. */
  readonly retries: number;
  /** Nobody asks for an input after the one attempt at it: a worker may have it instead of a copy. */
  readonly givesInputsAway: boolean;
  /** What it yields may be made again when it is lost. Default: it may not. */
  readonly mayRepeat?: boolean;
  /** What becomes of a row that a transform of rows fails on. */
  readonly onRowError: 'fail' | 'skip' | 'deadLetter';
  /** Milliseconds to wait before the next attempt; undefined when the error is not worth one. */
  readonly retryDelay: (error: unknown, attempt: number) => number | undefined;
}
