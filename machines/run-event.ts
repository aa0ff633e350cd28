/**
 * The events of a run: one typed, numbered, plain-JSON stream, from which recordings, progress views
 * and inspectors are made. Operators and actors are named, never held.
 */
import type { BlockRef } from './block.ts';

export type RunEventBody =
  | { readonly type: 'actor.started'; readonly actor: string; readonly machine: string }
  | { readonly type: 'actor.stopped'; readonly actor: string }
  /** A message was delivered. `from` is missing when it came from outside of the actors. */
  | {
      readonly type: 'message';
      readonly from: string | undefined;
      readonly to: string;
      readonly message: string;
      /** Block refs it carries. */
      readonly refs: number;
    }
  | { readonly type: 'state.entered'; readonly actor: string; readonly state: string }
  | { readonly type: 'token.granted'; readonly operator: string; readonly token: number }
  | {
      readonly type: 'token.denied';
      readonly operator: string;
      readonly limit: string;
      readonly asked: number;
      readonly free: number;
    }
  | { readonly type: 'token.released'; readonly operator: string; readonly token: number }
  /** Tasks are being started. */
  | { readonly type: 'dispatched'; readonly operator: string; readonly tasks: number }
  | {
      readonly type: 'task.started';
      readonly operator: string;
      readonly task: number;
      readonly attempt: number;
      readonly inputs: readonly BlockRef[];
    }
  | {
      readonly type: 'task.retried';
      readonly operator: string;
      readonly task: number;
      readonly lineage: string;
      readonly error: string;
      readonly delayMs: number;
    }
  | {
      readonly type: 'task.ended';
      readonly operator: string;
      readonly task: number;
      readonly outcome: 'done' | 'failed' | 'cancelled';
      readonly busyMs: number;
    }
  | {
      readonly type: 'block.produced';
      readonly operator: string;
      readonly task: number;
      readonly block: BlockRef;
    }
  | {
      readonly type: 'block.dropped';
      readonly operator: string;
      readonly lineage: string;
      readonly attempts: number;
      readonly cause: string;
    }
  | { readonly type: 'blocks.moved'; readonly to: string; readonly blocks: readonly number[] }
  | { readonly type: 'blocks.released'; readonly blocks: readonly number[] }
  /** A transform noted something, with `ctx.log` or `ctx.progress`. */
  | {
      readonly type: 'log';
      readonly operator: string;
      readonly lineage: string;
      readonly text: string;
    }
  | {
      readonly type: 'progress';
      readonly operator: string;
      readonly lineage: string;
      readonly fraction: number;
    };

export type RunEvent = RunEventBody & {
  /** Number in the stream, from 0, without gaps. */
  readonly seq: number;
  /** Milliseconds since the run began. */
  readonly at: number;
};
