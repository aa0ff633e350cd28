/**
 * Writes a run's events to a file as they come, packed. A disk that is slower than the run never slows
 * it and never makes it grow: what would pile up is left out, and the recording begins anew after it.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { FormatError } from '../../../machines/errors.ts';
import type { RecordingFile, RecordOptions } from '../options.ts';
import type { RunEvent } from '../../../machines/run-event.ts';
import { headerLine, MAX_RECORDING, readRecording, type Recording } from '../recording.ts';
import { redactEvent } from '../redact.ts';

/** A stream of events that can be listened to again and again: each time it begins with what is there. */
type Listen = (listener: (event: RunEvent) => void, end: () => void) => () => void;

/** Bytes of text that may wait for the disk. */
const MAX_WAITING = 32 * 2 ** 20;
const LINES_A_WRITE = 256;

/** Begins to record at once; what goes wrong with the file ends the recording and not the run. */
export function recordEvents(
  path: string,
  about: { readonly name: string; readonly startedAt: number; readonly listen: Listen },
  options: RecordOptions = {},
): RecordingFile {
  const file = createWriteStream(path);
  const gzip = createGzip({ level: 4 });
  let events = 0;
  let lost = 0;
  /** What is added to the numbers of events: they begin anew with each time of listening. */
  let offset = 0;
  let lines: string[] = [];
  let unlisten = (): void => undefined;
  const state = { isListening: false };
  let isOver = false;

  const done = new Promise<void>((resolve, reject) => {
    const fail = (error: Error): void => {
      stopListening();
      isOver = true;
      gzip.destroy();
      file.destroy();
      reject(error);
    };
    file.on('error', fail);
    gzip.on('error', fail);
    file.on('close', resolve);
  });
  // Whoever does not wait for the recording is not bothered by it.
  done.catch(() => undefined);

  gzip.pipe(file);
  gzip.write(headerLine(about.name, about.startedAt));

  function listen(): void {
    offset = events;
    state.isListening = true;
    unlisten = about.listen(take, end);
    // A run that is over tells all there is at once, and ends before this returns.
    if (!isHeard()) unlisten();
  }

  function isHeard(): boolean {
    return state.isListening;
  }

  function take(event: RunEvent): void {
    if (isOver) return;
    if (!state.isListening) {
      lost += 1;
      return;
    }
    lines.push(
      `${JSON.stringify(renumbered(options.redact === false ? event : redactEvent(event)))}\n`,
    );
    events += 1;
    if (lines.length >= LINES_A_WRITE) flush();
  }

  function renumbered(event: RunEvent): RunEvent {
    if (offset === 0) return event;
    const seq = event.seq + offset;
    return event.type === 'message' && event.cause !== undefined
      ? { ...event, seq, cause: event.cause + offset }
      : { ...event, seq };
  }

  function flush(): void {
    if (lines.length === 0) return;
    gzip.write(lines.join(''));
    lines = [];
    if (gzip.writableLength <= MAX_WAITING || !state.isListening) return;
    // Events that are not listened to cost nothing: they are heard again from where things are then.
    stopListening();
    gzip.once('drain', () => {
      if (!isOver) listen();
    });
  }

  function stopListening(): void {
    state.isListening = false;
    unlisten();
  }

  function end(): void {
    if (isOver) return;
    isOver = true;
    stopListening();
    flush();
    gzip.end();
  }

  listen();
  return {
    path,
    get events() {
      return events;
    },
    get lost() {
      return lost;
    },
    async stop() {
      end();
      await done;
    },
    done,
  };
}

/**
 * Reads a recording from a file.
 * @throws FormatError when it is none, is too large, or was made by a newer version.
 */
export async function openRecording(path: string): Promise<Recording> {
  const { size } = await stat(path);
  if (size > MAX_RECORDING) {
    throw new FormatError(
      path,
      undefined,
      `larger than the ${String(MAX_RECORDING / 2 ** 20)} MiB a recording may have`,
    );
  }
  const stream = (): ReadableStream<Uint8Array> =>
    Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>;
  return readRecording({ stream }, path);
}
