/** Records what a source shows from now on, wherever the source is: the text of a recording. */
import { headerLine, MAX_RECORDING } from './recording.ts';
import type { RunSource } from './run-source.ts';
import { createTranscript } from './transcript.ts';

export interface Tape {
  /** Milliseconds of the run at which it began. */
  readonly from: number;
  /** Events on it so far. */
  readonly events: () => number;
  /** Ends it: the text of the recording. */
  readonly stop: () => string;
}

/** Characters a tape takes: it becomes one text, and a reader takes twice as many. */
const MAX_TAPE = MAX_RECORDING / 2;

/**
 * Begins at once. `onEnd` is called when nothing more can come: the run is over or is another one, or the
 * tape is full. Whoever started the tape stops it then, too.
 */
export function startTape(source: RunSource, onEnd: () => void): Tape {
  const { run, model } = source;
  const lines: string[] = [];
  const header = headerLine(run?.name ?? model.plan.name, run?.startedAt ?? 0);
  let length = header.length;
  const transcript = createTranscript((event) => {
    const line = JSON.stringify(event);
    lines.push(line);
    length += line.length + 1;
  });
  transcript.tell(model);

  const isSameRun = (): boolean =>
    source.run?.id === run?.id && source.run?.startedAt === run?.startedAt;

  const unlisten = [
    source.onEvents((events) => {
      if (!isSameRun()) return;
      for (const event of events) if (event.seq === transcript.last() + 1) transcript.add(event);
    }),
    source.subscribe(() => {
      if (!isSameRun()) {
        onEnd();
        return;
      }
      // Some events were too many for this viewer, or a line was cut: it goes on from where things are.
      if (source.model.seq > transcript.last()) transcript.tell(source.model);
      if (source.model.end !== undefined || length > MAX_TAPE) onEnd();
    }),
  ];
  return {
    from: model.at,
    events: () => lines.length,
    stop() {
      for (const end of unlisten) end();
      return `${header}${lines.join('\n')}\n`;
    },
  };
}
