/**
 * Recordings: the events of a run as lines of JSON, after a line that says what they are. What is opened
 * may come from anywhere, so every line is checked before anything is made of it.
 */
import { FormatError } from '../../machines/errors.ts';
import type { RunEvent } from '../../machines/run-event.ts';
import { checkEvent } from './check-event.ts';

/** Raised when older readers would misread the events; a reader refuses a newer one. */
export const RECORDING_VERSION = 1;
const FORMAT = 'sluice-recording';

/** Characters of text a recording may have when it is unpacked. */
export const MAX_RECORDING = 512 * 2 ** 20;
const MAX_LINE = 16 * 2 ** 20;

export interface RecordingHeader {
  readonly format: typeof FORMAT;
  readonly version: number;
  readonly name: string;
  /** When the run began: milliseconds since 1970. */
  readonly startedAt: number;
}

export interface Recording {
  readonly header: RecordingHeader;
  readonly events: readonly RunEvent[];
  /** It breaks off before the run ended. */
  readonly isPartial: boolean;
}

export function headerLine(name: string, startedAt: number): string {
  const header: RecordingHeader = { format: FORMAT, version: RECORDING_VERSION, name, startedAt };
  return `${JSON.stringify(header)}\n`;
}

/**
 * Reads a recording from its text.
 * @throws FormatError that names the file and the place when it is not one, is too large, or was made by
 * a newer version. A last line that breaks off is left out: the process that wrote it may have died.
 */
export function parseRecording(text: string, file = 'recording'): Recording {
  const reader = createRecordingReader(file);
  reader.push(text);
  return reader.end();
}

/** Reads a recording from parts of its text. */
export function createRecordingReader(file: string): {
  readonly push: (text: string) => void;
  readonly end: () => Recording;
} {
  let header: RecordingHeader | undefined;
  const events: RunEvent[] = [];
  let rest = '';
  let length = 0;
  let lines = 0;

  function line(text: string): void {
    lines += 1;
    const value = parseLine(text, file, lines);
    if (header === undefined) header = checkHeader(value, file);
    else {
      const problem = checkEvent(value, events.length);
      if (problem !== undefined) throw wrongLine(file, lines, problem);
      events.push(value as RunEvent);
    }
  }

  return {
    push(text) {
      length += text.length;
      if (length > MAX_RECORDING) {
        throw new FormatError(
          file,
          undefined,
          `larger than the ${String(MAX_RECORDING / 2 ** 20)} MiB a recording may have`,
        );
      }
      const complete = (rest + text).split('\n');
      rest = complete.pop() ?? '';
      for (const one of complete) line(one);
      if (rest.length > MAX_LINE) throw wrongLine(file, lines + 1, 'it is too long');
    },
    end() {
      if (rest !== '' && isComplete(rest)) line(rest);
      if (header === undefined)
        throw new FormatError(file, undefined, 'this is no recording of a run');
      return { header, events, isPartial: events.at(-1)?.type !== 'run.ended' };
    },
  };
}

/**
 * Reads a recording as it was written: packed or as text.
 * @throws FormatError as `parseRecording` does.
 */
export async function readRecording(
  blob: { readonly stream: () => ReadableStream<Uint8Array> },
  file = 'recording',
): Promise<Recording> {
  const reader = createRecordingReader(file);
  const [first, bytes] = await peek(blob.stream());
  const isPacked = first[0] === 0x1f && first[1] === 0x8b;
  const unpacked = isPacked
    ? bytes.pipeThrough(new DecompressionStream('gzip') as TransformStream<Uint8Array, Uint8Array>)
    : bytes;
  const decoder = new TextDecoder('utf-8');
  try {
    for await (const part of unpacked) reader.push(decoder.decode(part, { stream: true }));
  } catch (error) {
    // A recording that broke off has no end of its packing either: what there is of it counts.
    if (error instanceof FormatError) throw error;
  }
  reader.push(decoder.decode());
  return reader.end();
}

/** The first bytes, and the stream with them. */
async function peek(
  stream: ReadableStream<Uint8Array>,
): Promise<[Uint8Array, ReadableStream<Uint8Array>]> {
  const source = stream.getReader();
  const { value: first = new Uint8Array() } = await source.read();
  const whole = new ReadableStream<Uint8Array>({
    start(controller) {
      if (first.length > 0) controller.enqueue(first);
    },
    async pull(controller) {
      const { done, value } = await source.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => source.cancel(reason),
  });
  return [first, whole];
}

function parseLine(text: string, file: string, number: number): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw wrongLine(file, number, 'this is no line of a recording', error);
  }
}

function wrongLine(file: string, line: number, problem: string, cause?: unknown): FormatError {
  return new FormatError(file, undefined, `line ${String(line)}: ${problem}`, cause);
}

function isComplete(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function checkHeader(value: unknown, file: string): RecordingHeader {
  const header = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  if (header['format'] !== FORMAT)
    throw new FormatError(file, undefined, 'this is no recording of a run');
  const { version, name, startedAt } = header;
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) {
    throw new FormatError(file, undefined, 'the recording does not say its version');
  }
  if (version > RECORDING_VERSION) {
    throw new FormatError(
      file,
      undefined,
      `the recording has version ${String(version)}, and this is a reader of version ${String(RECORDING_VERSION)}: update sluice`,
    );
  }
  if (typeof name !== 'string' || typeof startedAt !== 'number' || !Number.isFinite(startedAt)) {
    throw new FormatError(file, undefined, 'the recording does not say what it is of');
  }
  return { format: FORMAT, version, name, startedAt };
}
