/**
 * What the inspector's server and its viewers say to each other: JSON text frames over one WebSocket.
 * The server speaks first (`hello`), then sends the run's events in batches; a viewer that is too slow
 * gets a keyframe instead of what it missed. Commands and questions carry an `id`, and get one answer.
 */
import type { RunEvent } from '../../machines/run-event.ts';
import type { RunModel } from '../run-model/model.ts';
import type { PackedEvent } from './packed-events.ts';
import type { Topic } from './topics.ts';

/** Raised when an old viewer would misread the messages. A viewer refuses any other than its own. */
export const PROTOCOL_VERSION = 2;

/** WebSocket subprotocols a viewer offers: this one, and `sluice.token.<token>`. */
export const SUBPROTOCOL = 'sluice.inspect.v2';
export const TOKEN_SUBPROTOCOL = 'sluice.token.';

/** The model at one moment: what comes after is made of it and the events with higher numbers. */
export interface Keyframe {
  readonly seq: number;
  readonly at: number;
  readonly model: RunModel;
}

export interface RunInfo {
  /** Names the run within the server: `run-0`. */
  readonly id: string;
  readonly name: string;
  /** When it began: milliseconds since 1970, by the clock of the machine it runs on. */
  readonly startedAt: number;
  /** A plain XState actor, or a pipeline. */
  readonly kind: 'pipeline' | 'actor';
  readonly ended: boolean;
}

/** What the viewer's token entitles it to. */
export interface Rights {
  readonly control: boolean;
  /** May ask for contexts of actors. */
  readonly values: boolean;
}

export type ServerMessage =
  /** The first message, and again after `select`. */
  | {
      readonly type: 'hello';
      readonly version: typeof PROTOCOL_VERSION;
      readonly rights: Rights;
      /** All runs the server knows, the newest last. */
      readonly runs: readonly RunInfo[];
      /** The run whose events follow; missing when there is none yet. */
      readonly run?: RunInfo;
      readonly keyframe?: Keyframe;
      readonly breakpoints: readonly Breakpoint[];
      readonly range: TimeRange;
    }
  /** What is watched of the events up to the end of the range, and no more than that. */
  | { readonly type: 'events'; readonly events: readonly PackedEvent[]; readonly range: TimeRange }
  /** In place of `skipped` events that were too many for the viewer, or of those it had not watched. */
  | {
      readonly type: 'keyframe';
      readonly keyframe: Keyframe;
      readonly skipped: number;
      readonly range: TimeRange;
    }
  | { readonly type: 'runs'; readonly runs: readonly RunInfo[] }
  | { readonly type: 'breakpoints'; readonly breakpoints: readonly Breakpoint[] }
  | { readonly type: 'reply'; readonly id: number; readonly result: unknown }
  | {
      readonly type: 'error';
      readonly id?: number;
      readonly code: ErrorCode;
      readonly message: string;
    };

export type ErrorCode =
  /** The message is not one of ours. */
  | 'BAD_MESSAGE'
  /** The token does not entitle to it. */
  | 'FORBIDDEN'
  /** There is no such run, actor, operator, breakpoint or moment. */
  | 'NOT_FOUND'
  /** An option has a value it cannot have. */
  | 'OPTION'
  /** The run is over, or otherwise cannot do it now. */
  | 'RUN'
  /** Too many questions at once. */
  | 'BUSY';

/** The part of a run that is still at hand, in milliseconds since it began, and in event numbers. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Moments that can be jumped to at once. */
  readonly keyframes: readonly number[];
}

export type ClientMessage =
  | { readonly type: 'ask'; readonly id: number; readonly question: Question }
  | { readonly type: 'do'; readonly id: number; readonly command: Command };

/** Questions need the read right only. */
export type Question =
  /** Follow another run: answered by `hello`, then by a reply. */
  | { readonly type: 'select'; readonly run: string }
  /**
   * Be told of these topics from now on; without this, of everything. Where they are new, a keyframe comes
   * first, with the history after the event `since`: what the viewer has missed. Answered by `null`.
   */
  | { readonly type: 'watch'; readonly topics: readonly Topic[]; readonly since: number }
  /** The keyframe at or before a moment, and the events from there to it. Answered by `Moment`. */
  | { readonly type: 'moment'; readonly at: number }
  /** Events by number, at most `limit` (and 5,000). Answered by `{ events }`. */
  | { readonly type: 'events'; readonly fromSeq: number; readonly limit: number }
  /** The context of an actor now, redacted and cut short. Needs `values`. Answered by `ActorValue`. */
  | { readonly type: 'value'; readonly actor: string }
  /** Why an operator does what it does, in words. Answered by `{ text }`. */
  | { readonly type: 'explain'; readonly operator: string };

export interface Moment {
  readonly keyframe: Keyframe;
  readonly events: readonly RunEvent[];
}

export interface ActorValue {
  readonly state: string;
  /** Plain JSON; what was left out reads `[redacted]`, `[...]` or `[function]`. */
  readonly context: unknown;
}

/** Commands need the control right. Their reply is `null` unless said otherwise. */
export type Command =
  /** No task starts until `resume`; what runs goes on. */
  | { readonly type: 'hold' }
  | { readonly type: 'resume' }
  /** One cycle of the supervisor, or one task (of any operator, or of one), then hold. */
  | { readonly type: 'step'; readonly by: 'cycle' }
  | { readonly type: 'step'; readonly by: 'task'; readonly operator?: string }
  /** Amounts of resources (and `blockBytes`) from now on; those that are not named stay. */
  | { readonly type: 'setBudget'; readonly amounts: Readonly<Record<string, number>> }
  | {
      readonly type: 'setMaxConcurrency';
      readonly operator: string;
      readonly maxConcurrency: number;
    }
  | { readonly type: 'cancel' }
  /** Read no more, finish the rest. */
  | { readonly type: 'stop' }
  /** Answered by the breakpoint, with its id. */
  | { readonly type: 'addBreakpoint'; readonly breakpoint: BreakpointSpec }
  | { readonly type: 'removeBreakpoint'; readonly id: string };

/** When to hold the run: it is held right after what is described. */
export type BreakpointSpec = BreakpointWhen & {
  /** Which time it counts, from 1. Default: 1. */
  readonly hit?: number;
  /** Goes away once it has held the run. Default: false. */
  readonly once?: boolean;
};

export type BreakpointWhen =
  /** An actor (by path; missing: any) enters a state. */
  | { readonly on: 'state'; readonly actor?: string; readonly state: string }
  /** A message of some type is delivered (to one actor, or to any). */
  | { readonly on: 'message'; readonly message: string; readonly actor?: string }
  /** More than so many blocks wait in front of an operator. */
  | { readonly on: 'queue'; readonly operator: string; readonly above: number }
  /** A task (of one operator, or of any) fails an attempt or for good. */
  | { readonly on: 'failure'; readonly operator?: string }
  /** An operator (or any) has been blocked by one limit for longer than so many milliseconds. */
  | { readonly on: 'blocked'; readonly operator?: string; readonly longerThanMs: number };

export type Breakpoint = BreakpointSpec & {
  readonly id: string;
  /** How often what it waits for has happened. */
  readonly hits: number;
};
