/** One column of a block, as users see it: typed, read only, without a copy. */
import { StoreError } from '../../machines/errors.ts';
import { bitAt, countNulls, isGone, isValid, sliceData, type ColumnData } from './column-data.ts';
import type { BigintArray, ColumnType, NumberArray } from './column-types.ts';

/** The array behind a column of values of type `V`. */
export type ColumnValues<V> = [NonNullable<V>] extends [number]
  ? Readonly<NumberArray>
  : [NonNullable<V>] extends [bigint | Date]
    ? Readonly<BigintArray>
    : Readonly<NumberArray | BigintArray> | undefined;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export class Column<V> implements Iterable<V> {
  readonly #data: ColumnData;

  constructor(data: ColumnData) {
    this.#data = data;
  }

  /** @throws StoreError when its block was released, or handed over to another thread. */
  get #here(): ColumnData {
    if (isGone(this.#data)) {
      throw new StoreError(
        'the block of this column was released, or handed over to another thread: copy what is needed for longer',
      );
    }
    return this.#data;
  }

  get type(): ColumnType {
    return this.#data.type;
  }

  get length(): number {
    return this.#data.length;
  }

  get nullCount(): number {
    return countNulls(this.#here);
  }

  /**
   * What is in memory, for loops: the numbers themselves; milliseconds for timestamps; codes for a
   * dictionary; bits for booleans; bytes for strings. A row that is null has any value there. It may
   * be seen by others, and must not be written to.
   */
  get values(): ColumnValues<V> {
    return this.#here.values as ColumnValues<V>;
  }

  /** The strings that the codes of a dictionary column stand for; undefined for any other column. */
  get dictionary(): readonly string[] | undefined {
    const { type, child } = this.#here;
    return type === 'dictionary' && child !== undefined ? decodeStrings(child) : undefined;
  }

  /** Everything as it lies in memory, in the layout of Arrow. */
  get data(): ColumnData {
    return this.#here;
  }

  /** Whether there is no value in a row. */
  isNull(row: number): boolean {
    return this.#data.type === 'null' || !isValid(this.#here, row);
  }

  /** The value of a row; null when there is none. */
  at(row: number): V {
    return decodeData(sliceData(this.#here, row, row + 1))[0] as V;
  }

  /** All values, as an array of JavaScript values. */
  toArray(): V[] {
    return decodeData(this.#here) as V[];
  }

  [Symbol.iterator](): Iterator<V> {
    return this.toArray()[Symbol.iterator]();
  }
}

/** The values of a column as JavaScript has them; null where there is none. */
function decodeData(data: ColumnData): unknown[] {
  const { type, length, validity } = data;
  if (type === 'null') return new Array<unknown>(length).fill(null);
  const decoded = decodeValues(data);
  if (validity === undefined) return decoded;
  for (let row = 0; row < length; row++) if (!isValid(data, row)) decoded[row] = null;
  return decoded;
}

function decodeValues(data: ColumnData): unknown[] {
  const { type, length, values, bitOffset, child } = data;
  if (typeof type !== 'string') return decodeLists(data);
  switch (type) {
    case 'utf8':
      return decodeStrings(data);
    case 'dictionary':
      return child === undefined ? [] : decodeCodes(child, values as Int32Array);
    case 'bool':
      return Array.from({ length }, (_, row) => bitAt(values as Uint8Array, bitOffset + row));
    case 'timestamp':
      return Array.from(values as BigInt64Array, (ms) => new Date(Number(ms)));
    default:
      return Array.from<unknown>(values as NumberArray);
  }
}

function decodeCodes(dictionary: ColumnData, codes: Int32Array): string[] {
  // A few rows of a large dictionary: only what they need is decoded.
  if (codes.length * 4 < dictionary.length) {
    return Array.from(
      codes,
      (code) => decodeStrings(sliceData(dictionary, code, code + 1))[0] ?? '',
    );
  }
  const strings = decodeStrings(dictionary);
  return Array.from(codes, (code) => strings[code] ?? '');
}

function decodeLists(data: ColumnData): unknown[] {
  const { length, offsets, child } = data;
  if (offsets === undefined || child === undefined) return [];
  const first = offsets[0] ?? 0;
  const items = decodeData(sliceData(child, first, offsets[length] ?? first));
  return Array.from({ length }, (_, row) =>
    items.slice((offsets[row] ?? 0) - first, (offsets[row + 1] ?? 0) - first),
  );
}

function decodeStrings({ length, offsets, values }: ColumnData): string[] {
  if (offsets === undefined) return [];
  const first = offsets[0] ?? 0;
  const bytes = unshared((values as Uint8Array).subarray(first, offsets[length] ?? first));
  const text = decoder.decode(bytes);
  const strings = new Array<string>(length);
  // As many characters as bytes: all of it is ASCII, and cutting the text is enough.
  const isAscii = text.length === bytes.length;
  for (let row = 0; row < length; row++) {
    const from = (offsets[row] ?? first) - first;
    const to = (offsets[row + 1] ?? first) - first;
    strings[row] = isAscii ? text.slice(from, to) : decoder.decode(bytes.subarray(from, to));
  }
  return strings;
}

/** Browsers refuse to decode shared memory. */
function unshared(bytes: Uint8Array): Uint8Array {
  const isShared =
    typeof SharedArrayBuffer !== 'undefined' && bytes.buffer instanceof SharedArrayBuffer;
  return isShared ? bytes.slice() : bytes;
}
