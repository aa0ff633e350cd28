/**
 * Records what happens to the run of a source from now on: the text of a recording. The events are fetched
 * by their numbers, because a viewer is told of no more than it shows.
 */
import { headerLine, MAX_RECORDING } from './recording.ts';
import type { RunSource } from './run-source.ts';
import { createTranscript } from './transcript.ts';

export interface Tape {
  /** Milliseconds of the run at which it began. */
  readonly from: number;
  /** Events on it so far. */
  readonly events: () => number;
  /** Fetches the rest and ends it: the text of the recording. */
  readonly stop: () => Promise<string>;
}

/** Characters a tape takes: it becomes one text, and a reader takes twice as many. */
const MAX_TAPE = MAX_RECORDING / 2;
/** Events are fetched when there are so many new ones, and as many at a time. */
const [BEHIND, PAGE] = [1000, 5000];

/**
 * Begins with the run as it is. `onEnd` is called when nothing more can come: the run is over or is another one,
 * or the tape is full. Whoever started the tape stops it then, too.
 */
export function startTape(source: RunSource, onEnd: () => void): Tape {
  const { run } = source;
  const from = source.model.at;
  const lines: string[] = [];
  const header = headerLine(run?.name ?? source.model.plan.name, run?.startedAt ?? 0);
  let length = header.length;
  let fetching: Promise<void> | undefined;
  const transcript = createTranscript((event) => {
    const line = JSON.stringify(event);
    lines.push(line);
    length += line.length + 1;
  });

  const isSameRun = (): boolean =>
    source.run?.id === run?.id && source.run?.startedAt === run?.startedAt;

  /** What the run was at a moment, in place of events before it that are not known. */
  async function tellFrom(at: number): Promise<void> {
    const model = await source.modelAt(at);
    if (isSameRun()) transcript.tell(model);
  }

  async function fetchNew(): Promise<void> {
    if (transcript.last() < 0) await tellFrom(from);
    while (isSameRun() && transcript.last() < source.range.lastSeq && length < MAX_TAPE) {
      const events = await source.events(transcript.last() + 1, PAGE);
      const [first] = events;
      if (first === undefined || !isSameRun()) return;
      // So much has happened that the inspector has let go of what came next.
      if (first.seq > transcript.last() + 1) await tellFrom(source.range.from);
      else for (const event of events) transcript.add(event);
    }
  }

  /** One after the other; what cannot be fetched now may be the next time. */
  function fetchSoon(): Promise<void> {
    fetching ??= fetchNew()
      .catch(() => undefined)
      .finally(() => {
        fetching = undefined;
      });
    return fetching;
  }

  const unlisten = source.subscribe(() => {
    if (!isSameRun() || source.model.end !== undefined || length >= MAX_TAPE) onEnd();
    else if (source.range.lastSeq - transcript.last() > BEHIND) void fetchSoon();
  });
  void fetchSoon();

  return {
    from,
    events: () => lines.length,
    async stop() {
      unlisten();
      await fetchSoon();
      // What came while the last part was fetched.
      await fetchSoon();
      return `${header}${lines.join('\n')}\n`;
    },
  };
}
