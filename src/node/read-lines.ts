/** Text files as rows: lines, JSON Lines, and JSON arrays. Lines are streamed, one chunk in memory. */
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, FormatError } from '../../machines/errors.ts';

interface Line {
  /** From 1. */
  readonly number: number;
  /** Where it begins in the file, in bytes. */
  readonly offset: number;
  readonly text: string;
}

const NEWLINE = 0x0a;

/**
 * The lines of a UTF-8 text file, without their ends (`\n` or `\r\n`). Each iteration opens the file
 * anew, so a pipeline that reads it can be started many times.
 *
 * @example
 * pipeline('errors').from(readLines('server.log')).filter((line) => line.includes('ERROR'));
 * @throws FormatError while it is read, when a line is not UTF-8.
 */
export function readLines(path: string | URL): AsyncIterable<string> {
  const file = fileOf(path);
  return {
    async *[Symbol.asyncIterator]() {
      for await (const lines of scan(file)) for (const { text } of lines) yield text;
    },
  };
}

/**
 * The values of a JSON Lines file: one in each line, empty lines left out. `check` gets each of them
 * as it was read, and returns it as the row it should be: the `parse` of a schema library will do.
 *
 * @throws FormatError while it is read, when a line is no JSON or `check` throws; it names the line.
 */
export function readJsonl<T = unknown>(
  path: string | URL,
  check?: (value: unknown) => T,
): AsyncIterable<T> {
  const file = fileOf(path);
  return {
    async *[Symbol.asyncIterator]() {
      for await (const lines of scan(file)) {
        for (const line of lines) if (line.text.trim() !== '') yield parseLine(file, line, check);
      }
    },
  };
}

/**
 * The elements of the JSON array a file holds. The whole file is read into memory at once: prefer
 * JSON Lines for files that are large.
 *
 * @throws FormatError while it is read, when the file is no JSON array or `check` throws.
 */
export function readJsonArray<T = unknown>(
  path: string | URL,
  check?: (value: unknown) => T,
): AsyncIterable<T> {
  const file = fileOf(path);
  return {
    async *[Symbol.asyncIterator]() {
      const values = parseArray(file, await readFile(file, 'utf8'));
      for (const [index, value] of values.entries()) {
        try {
          yield checked(value, check);
        } catch (error) {
          const message = `element ${String(index)}: ${describe(error)}`;
          throw new FormatError(file, undefined, message, error);
        }
      }
    },
  };
}

/** Reads a file line by line, chunk by chunk. */
async function* scan(file: string): AsyncGenerator<readonly Line[]> {
  let number = 1;
  let offset = 0;
  /** Parts of the line that goes on in the next chunk. */
  let pieces: Buffer[] = [];

  function endLine(): Line {
    const [only] = pieces;
    const bytes = only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces);
    const line = { number, offset, text: decode(file, bytes, number, offset) };
    number += 1;
    offset += bytes.length + 1;
    pieces = [];
    return line;
  }

  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    const lines: Line[] = [];
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from);
      if (end === -1) break;
      pieces.push(chunk.subarray(from, end));
      lines.push(endLine());
      from = end + 1;
    }
    if (from < chunk.length) pieces.push(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (pieces.length > 0) yield [endLine()];
}

function decode(file: string, bytes: Buffer, number: number, offset: number): string {
  if (!isUtf8(bytes)) {
    throw new FormatError(file, offset, `line ${String(number)} is not UTF-8 text`);
  }
  const text = bytes.toString('utf8', 0, bytes.at(-1) === 0x0d ? bytes.length - 1 : bytes.length);
  // The byte order mark that some editors write at the start.
  return number === 1 && text.startsWith('\ufeff') ? text.slice(1) : text;
}

function parseLine<T>(file: string, line: Line, check: ((value: unknown) => T) | undefined): T {
  try {
    return checked(JSON.parse(line.text), check);
  } catch (error) {
    const message = `line ${String(line.number)}: ${describe(error)}`;
    throw new FormatError(file, line.offset, message, error);
  }
}

function parseArray(file: string, text: string): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FormatError(file, undefined, describe(error), error);
  }
  if (Array.isArray(value)) return value;
  throw new FormatError(file, undefined, 'the file holds no array; readJsonl reads JSON Lines');
}

function checked<T>(value: unknown, check: ((value: unknown) => T) | undefined): T {
  return check === undefined ? (value as T) : check(value);
}

function fileOf(path: string | URL): string {
  return typeof path === 'string' ? path : fileURLToPath(path);
}
