/** A recording as a source for viewers. */
import type { RunInfo } from './protocol.ts';
import type { Recording } from './recording.ts';
import { SourceError, type RunSource } from './run-source.ts';
import { createTimeline } from './timeline.ts';

export function recordingSource(recording: Recording): RunSource {
  const timeline = createTimeline({ maxBytes: Infinity, compact: true });
  for (const event of recording.events) timeline.push(event);
  const { name, startedAt } = recording.header;
  const isPipeline = timeline.model.operators.length > 0;
  const run: RunInfo = {
    id: 'recording',
    name,
    startedAt,
    kind: isPipeline ? 'pipeline' : 'actor',
    ended: true,
  };
  return {
    model: timeline.model,
    status: { kind: 'ended' },
    run,
    runs: [run],
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
    value: () =>
      Promise.reject(new SourceError('NOT_FOUND', 'a recording has no values of actors')),
    select: () => Promise.resolve(),
    command: () =>
      Promise.reject(new SourceError('RUN', 'this is a recording: nothing can be done to it')),
    close: () => undefined,
  };
}
