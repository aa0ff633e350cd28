/** A recording as a source for viewers. */
import type { Recording } from './recording.ts';
import { replayRecorder } from './replay-recorder.ts';
import { SourceError, type RunSource } from './run-source.ts';

export function recordingSource(recording: Recording): RunSource {
  const recorder = replayRecorder('recording', recording);
  const { timeline } = recorder;
  return {
    model: timeline.model,
    status: { kind: 'ended' },
    run: recorder.info(),
    runs: [recorder.info()],
    rights: { control: false, values: false },
    breakpoints: [],
    range: timeline.range(),
    // Nothing changes: nobody is ever called.
    subscribe: () => () => undefined,
    onEvents: () => () => undefined,
    modelAt(at) {
      const model = timeline.modelAt(at);
      if (model !== undefined) return Promise.resolve(model);
      return Promise.reject(new SourceError('NOT_FOUND', 'the recording is empty'));
    },
    events: (fromSeq, limit) => Promise.resolve(timeline.events(fromSeq, limit)),
    value: async (actor) => Promise.resolve(recorder.value(actor)),
    select: () => Promise.resolve(),
    command: recorder.command,
    close: () => undefined,
  };
}
