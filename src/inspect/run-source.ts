/**
 * One interface to all that can be looked at: a live run over a WebSocket, a run in the same process, a
 * recording. Whoever shows a run knows nothing else of where it comes from.
 */
import type { RunEvent } from '../../machines/run-event.ts';
import type { RunModel } from '../run-model/model.ts';
import type { ActorValue, Breakpoint, Command, Rights, RunInfo, TimeRange } from './protocol.ts';
import type { Topic } from './topics.ts';

export interface RunSource {
  /**
   * The model at the live edge, or at the end of a recording. The same object as long as the run is
   * the same: look at `model.revision` to see whether it has changed.
   */
  readonly model: RunModel;
  readonly status: SourceStatus;
  /** The run that is shown; undefined while there is none. */
  readonly run: RunInfo | undefined;
  /** All runs to choose from, the newest last. */
  readonly runs: readonly RunInfo[];
  readonly rights: Rights;
  readonly breakpoints: readonly Breakpoint[];
  /** What part of the run can be travelled to. */
  readonly range: TimeRange;
  /** Calls back after every change of any of the above. Returns what ends it. */
  subscribe(listener: () => void): () => void;
  /** Calls back with the events as they come. Returns what ends it. */
  onEvents(listener: (events: readonly RunEvent[]) => void): () => void;
  /**
   * The model as it was at a moment: the nearest keyframe and the events from there. A copy, which is
   * the caller's.
   * @throws SourceError with code NOT_FOUND when that part of the run is not at hand any more.
   */
  modelAt(at: number): Promise<RunModel>;
  /** Events by number, oldest first; fewer than asked for at the end of what is at hand. */
  events(fromSeq: number, limit: number): Promise<readonly RunEvent[]>;
  /** The context of an actor at the live edge. Recordings have none: NOT_FOUND. */
  value(actor: string): Promise<ActorValue>;
  /**
   * Says what is looked at, so that nothing else has to be sent: `model` needs tell no more than that from
   * now on; once the promise has resolved, what has been missed is there. As long as somebody listens to
   * events, and before the first time, everything is watched. Missing where all is at hand.
   */
  watch?(topics: readonly Topic[]): Promise<void>;
  /** Follows another run of `runs`. */
  select(run: string): Promise<void>;
  /**
   * Does something to the run.
   * @throws SourceError with code FORBIDDEN unless `rights.control`; OPTION or RUN as the run says.
   */
  command(command: Command): Promise<unknown>;
  close(): void;
}

export type SourceStatus =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** The run is over, or it is a recording. */
  | { readonly kind: 'ended' }
  /** Tries again in `retryInMs`; undefined when it does not. */
  | { readonly kind: 'disconnected'; readonly reason: string; readonly retryInMs?: number };

/** What a source could not do. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
