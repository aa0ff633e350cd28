/** A recording in the place of a recorder: everything has happened, and nothing can be done. */
import type { Recorder } from './recorder.ts';
import type { Recording } from './recording.ts';
import { SourceError } from './run-source.ts';
import { createTimeline } from './timeline.ts';

export function replayRecorder(id: string, { header, events }: Recording): Recorder {
  const timeline = createTimeline({ maxBytes: Infinity, compact: true });
  for (const event of events) timeline.push(event);
  const { name, startedAt } = header;
  const kind = timeline.model.operators.length > 0 ? 'pipeline' : 'actor';
  const never = (): (() => void) => () => undefined;
  return {
    timeline,
    info: () => ({ id, name, kind, startedAt, ended: true }),
    breakpoints: () => [],
    onEvent: never,
    onBreakpoints: never,
    tick: () => undefined,
    value() {
      throw new SourceError('NOT_FOUND', 'a recording has no values of actors');
    },
    explain(operator) {
      throw new SourceError(
        'NOT_FOUND',
        `a recording cannot say more of ${operator} than it shows`,
      );
    },
    command: () =>
      Promise.reject(new SourceError('RUN', 'this is a recording: nothing can be done to it')),
    close: () => undefined,
  };
}
