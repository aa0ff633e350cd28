/**
 * The events of a run: one typed, numbered, plain-JSON stream, from which recordings, progress views
 * and inspectors are made. Operators and actors are named, never held. Times are in milliseconds since
 * the run began; amounts of resources are in the budget's own units.
 */
import type { BlockRef } from './block.ts';
import type { MachineDefinition } from './machine-definition.ts';

/** One stage of the plan. */
export interface OperatorInfo {
  /** Position in the plan; operators come after those that feed them. */
  readonly index: number;
  readonly name: string;
  readonly kind: 'source' | 'transform' | 'sink';
  /** Number of input ports. */
  readonly ports: number;
  /** Steps to the consumer, or to the farthest sink. */
  readonly depth: number;
  /** Where its blocks go. */
  readonly edges: readonly EdgeInfo[];
  /** What one task needs. */
  readonly needs: Readonly<Record<string, number>>;
  /** Most tasks at a time. */
  readonly maxConcurrency: number;
  /** Keeps state between its tasks, and so runs one at a time. */
  readonly serial: boolean;
  readonly preserveOrder: boolean;
  readonly retries: number;
  readonly onError: 'fail' | 'skip' | 'deadLetter';
  /** Blocks that may wait behind it; missing: as many as what follows does in a while. */
  readonly queueBlocks?: number;
  /** Bytes a block should have at most. */
  readonly targetBytes: number;
}

export interface EdgeInfo {
  /** Index of the receiving operator; -1 is the consumer. */
  readonly to: number;
  /** Input port of the receiver. */
  readonly port: number;
  /** Each block goes to one of several such edges, not to all of them. */
  readonly shared: boolean;
}

export interface PlanInfo {
  readonly name: string;
  readonly operators: readonly OperatorInfo[];
}

/** A limit of the budget: an amount, or a rate that refills. */
export type LimitInfo =
  { readonly amount: number } | { readonly perSecond: number; readonly burst: number };

export interface BudgetInfo {
  readonly resources: Readonly<Record<string, LimitInfo>>;
  /** What the live blocks of the run may weigh together. */
  readonly blockBytes: number;
}

/** What an operator holds and has done, in full: a later one replaces an earlier one. */
export interface OperatorFigures {
  /** Blocks waiting at each input port, and their bytes. */
  readonly in: readonly number[];
  readonly inBytes: readonly number[];
  /** Output blocks that can be moved on, and their bytes. */
  readonly out: number;
  readonly outBytes: number;
  /** Output blocks that wait until the tasks before theirs are over. */
  readonly parked: number;
  /** Tasks under way, and those of them that wait for output credit. */
  readonly active: number;
  readonly holding: number;
  /** Tasks that are over and did what they should. */
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Attempts that failed and were repeated. */
  readonly retried: number;
  /** Blocks and rows that were given up. */
  readonly dropped: number;
  readonly rowsDropped: number;
  readonly blocksIn: number;
  readonly rowsIn: number;
  readonly bytesIn: number;
  readonly blocksOut: number;
  readonly rowsOut: number;
  readonly bytesOut: number;
  /** Milliseconds spent inside the transform, over all tasks. */
  readonly busyMs: number;
  /** Most tasks at a time, now. */
  readonly maxConcurrency: number;
  /** Input blocks a task takes. */
  readonly bundle: number;
  /** Milliseconds one input block takes, a moving average; missing before the first. */
  readonly blockMs?: number;
}

/** A refusal, with the time since when the limit has held without a break. */
export interface DenialInfo {
  /** `queue`, `demand`, `maxConcurrency`, `blockBytes`, or the name of a resource. */
  readonly limit: string;
  readonly asked: number;
  readonly free: number;
  readonly since: number;
}

/** What one operator has of the budget. */
export interface AccountInfo {
  /** Bytes it may still make on credit. */
  readonly reserved: number;
  /** Bytes of blocks it made that are still held by somebody. */
  readonly live: number;
  /** Tokens out: its running tasks. */
  readonly tokens: number;
}

export type RunEventBody =
  /** The first event for everybody who listens, whenever they come. */
  | { readonly type: 'run.started'; readonly plan: PlanInfo; readonly budget: BudgetInfo }
  /** The last event. */
  | {
      readonly type: 'run.ended';
      readonly status: 'done' | 'failed' | 'cancelled';
      /** Why it was cancelled. */
      readonly reason?: string;
      /** Why it failed. `operator` is missing when no operator is at fault. */
      readonly failure?: {
        readonly operator?: string;
        readonly lineage?: string;
        readonly attempt?: number;
        readonly error: string;
      };
    }
  /** A statechart, told once and before the first actor that runs it. */
  | {
      readonly type: 'machine.defined';
      readonly machine: string;
      readonly definition: MachineDefinition;
    }
  /** `actor` is its path: ids from the root down, with slashes between them. */
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
      /** Number (`seq`) of the message that led its sender to send this one. */
      readonly cause?: number;
    }
  | {
      readonly type: 'state.entered';
      readonly actor: string;
      readonly state: string;
      /** The message that led there. */
      readonly event?: string;
      /** Ids of the transitions taken, as in the machine's definition. */
      readonly transitions?: readonly string[];
    }
  /** The supervisor begins a cycle; they are counted from 1. */
  | { readonly type: 'cycle'; readonly cycle: number }
  /** What an operator holds has changed. */
  | {
      readonly type: 'operator.changed';
      readonly operator: string;
      readonly figures: OperatorFigures;
    }
  /**
   * An operator does something else from now on: `running`, `starved`, `dispatch` (a decision is due),
   * `over`, or the limit that blocks it.
   */
  | {
      readonly type: 'operator.doing';
      readonly operator: string;
      readonly doing: string;
      /** Since when; missing: from now on. */
      readonly since?: number;
      /** Milliseconds spent before, by what was done: only for those who come late. */
      readonly spent?: Readonly<Record<string, number>>;
    }
  /** Why an operator may start no (further) task, or a task not go on. */
  | { readonly type: 'operator.denied'; readonly operator: string; readonly denial: DenialInfo }
  /** The denial is no more. */
  | { readonly type: 'operator.freed'; readonly operator: string }
  /** What of the budget is in use has changed. Accounts are those of the operators, by index. */
  | {
      readonly type: 'resources.changed';
      readonly used: Readonly<Record<string, number>>;
      readonly accounts: readonly AccountInfo[];
    }
  | { readonly type: 'budget.changed'; readonly budget: BudgetInfo }
  /** How the consumer is doing: blocks it holds, blocks it would take, whether it waits for one. */
  | {
      readonly type: 'consumer.changed';
      readonly held: number;
      readonly demand: number;
      readonly waits: boolean;
    }
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
  /** An attempt begins: a new task, or one that goes on after an error. */
  | {
      readonly type: 'task.started';
      readonly operator: string;
      readonly task: number;
      /** Place in the operator's pool of task actors. */
      readonly slot: number;
      readonly attempt: number;
      readonly inputs: readonly BlockRef[];
    }
  /** A task waits for output credit, of so many blocks and bytes. */
  | {
      readonly type: 'task.held';
      readonly operator: string;
      readonly task: number;
      readonly blocks: number;
      readonly bytes: number;
    }
  /** A task that waited for credit got it. */
  | {
      readonly type: 'task.fed';
      readonly operator: string;
      readonly task: number;
      readonly blocks: number;
      readonly bytes: number;
    }
  | {
      readonly type: 'task.retried';
      readonly operator: string;
      readonly task: number;
      readonly lineage: string;
      /** Which attempt failed, from 1. */
      readonly attempt: number;
      readonly error: string;
      readonly delayMs: number;
    }
  | {
      readonly type: 'task.ended';
      readonly operator: string;
      readonly task: number;
      readonly outcome: 'done' | 'failed' | 'cancelled';
      readonly busyMs: number;
      /** Why it failed. */
      readonly error?: string;
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
  /** Blocks arrive at an operator's port, or (`to` is `consumer`) leave the pipeline. */
  | {
      readonly type: 'blocks.moved';
      readonly to: string;
      readonly port: number;
      readonly blocks: readonly number[];
      readonly rows: number;
      readonly bytes: number;
    }
  /** Nobody holds them any more. */
  | { readonly type: 'blocks.released'; readonly blocks: readonly number[] }
  /** A breakpoint was hit: the run is held after what is described. */
  | { readonly type: 'breakpoint.hit'; readonly breakpoint: string; readonly text: string }
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
