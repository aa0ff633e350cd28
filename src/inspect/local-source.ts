/** A run in the same process as a source for viewers: no socket, no copy of the events. */
import { emptyModel } from '../run-model/index.ts';
import type { Run } from '../run.ts';
import type { RunEvent } from '../../machines/run-event.ts';
import type { Rights } from './protocol.ts';
import { added } from './listeners.ts';
import { createRecorder, watchRun, type Recorder, type RecorderOptions } from './recorder.ts';
import { SourceError, type RunSource } from './run-source.ts';

export interface LocalSourceOptions extends RecorderOptions {
  /** Whether the viewer may hold, step and change the run. Default: false. */
  readonly control?: boolean;
}

/** How often time passes without events, and how often viewers are told of new ones, in milliseconds. */
const TICK_MS = 250;
const TELL_MS = 33;

/**
 * Watches a run of this process. Attaches at once; `close` lets go.
 * @throws OptionError when it is no run.
 */
export function localSource<T>(run: Run<T>, options: LocalSourceOptions = {}): RunSource {
  const { control = false, ...recorderOptions } = options;
  const watched = watchRun(run);
  const recorder = createRecorder('run-0', watched, recorderOptions);
  return recorderSource(recorder, watched.env, { control, values: true });
}

/** A recorder as a source. */
export function recorderSource(
  recorder: Recorder,
  env: { readonly setTimer: (delayMs: number, callback: () => void) => () => void },
  rights: Rights,
): RunSource {
  const { timeline } = recorder;
  const listeners = new Set<() => void>();
  const eventListeners = new Set<(events: readonly RunEvent[]) => void>();
  let batch: RunEvent[] = [];
  let cancelTell: (() => void) | undefined;
  let cancelTick = (): void => undefined;
  let closed = false;

  function tell(): void {
    cancelTell = undefined;
    const events = batch;
    batch = [];
    if (events.length > 0) for (const listener of eventListeners) listener(events);
    for (const listener of listeners) listener();
  }

  function tellSoon(): void {
    if (!closed) cancelTell ??= env.setTimer(TELL_MS, tell);
  }

  function tick(): void {
    recorder.tick();
    tellSoon();
    if (timeline.model.end === undefined) cancelTick = env.setTimer(TICK_MS, tick);
  }

  const unlisten = recorder.onEvent((event) => {
    batch.push(event);
    tellSoon();
  });
  const unlistenBreakpoints = recorder.onBreakpoints(tellSoon);
  cancelTick = env.setTimer(TICK_MS, tick);

  return {
    model: timeline.model,
    get status() {
      return { kind: timeline.model.end === undefined ? ('live' as const) : ('ended' as const) };
    },
    get run() {
      return recorder.info();
    },
    get runs() {
      return [recorder.info()];
    },
    rights,
    get breakpoints() {
      return recorder.breakpoints();
    },
    get range() {
      return timeline.range();
    },
    subscribe: (listener) => added(listeners, listener),
    onEvents: (listener) => added(eventListeners, listener),
    modelAt(at) {
      const model = timeline.modelAt(at) ?? emptyModel();
      return Promise.resolve(model);
    },
    events: (fromSeq, limit) => Promise.resolve(timeline.events(fromSeq, limit)),
    async value(actor) {
      return Promise.resolve(recorder.value(actor));
    },
    select: () => Promise.resolve(),
    command(command) {
      if (rights.control) return recorder.command(command);
      return Promise.reject(new SourceError('FORBIDDEN', 'this viewer may only look'));
    },
    close() {
      closed = true;
      cancelTell?.();
      cancelTick();
      unlisten();
      unlistenBreakpoints();
      recorder.close();
    },
  };
}
