/** Puts columns behind one another, in memory of their own that holds nothing else. */
import { bitAt, isValid, sliceData, type ColumnData } from './column-data.ts';
import {
  NUMBER_ARRAYS,
  type BigintArray,
  type ColumnType,
  type NumberArray,
  type NumberType,
} from './column-types.ts';
import { Column } from './column.ts';
import { buildColumn } from './column-builder.ts';

/** The type that holds the values of both; undefined when there is none. Nothing but nulls fits any. */
export function commonType(one: ColumnType, other: ColumnType): ColumnType | undefined {
  if (one === 'null') return other;
  if (other === 'null') return one;
  if (typeof one === 'string' || typeof other === 'string') return one === other ? one : undefined;
  const list = commonType(one.list, other.list);
  return list === undefined ? undefined : { list };
}

/** All rows of some columns as one. `type` holds the values of each of them. */
export function concatColumns(parts: readonly ColumnData[], type: ColumnType): ColumnData {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const common = { type, length, bitOffset: 0, offsets: undefined, child: undefined };
  if (type === 'null') return { ...common, validity: undefined, values: undefined };
  const hasNulls = parts.some((part) => part.type === 'null' || part.validity !== undefined);
  const validity = hasNulls ? concatBits(parts, length, isThere) : undefined;
  const column = { ...common, validity };
  if (typeof type !== 'string') return { ...column, ...concatLists(parts, length, type.list) };
  switch (type) {
    case 'bool':
      return { ...column, values: concatBits(parts, length, isTrue) };
    case 'utf8':
      return { ...column, ...concatStrings(parts, length) };
    case 'dictionary':
      return { ...column, ...concatCodes(parts, length) };
    case 'timestamp':
    case 'int64':
      return { ...column, values: concatArrays(parts, new BigInt64Array(length)) };
    case 'uint64':
      return { ...column, values: concatArrays(parts, new BigUint64Array(length)) };
    default:
      return { ...column, values: concatArrays(parts, numbers(type, length)) };
  }
}

function numbers(type: NumberType, length: number): NumberArray {
  return new NUMBER_ARRAYS[type](length);
}

function isThere(part: ColumnData, row: number): boolean {
  return part.type !== 'null' && isValid(part, row);
}

function isTrue({ type, values, bitOffset }: ColumnData, row: number): boolean {
  return type !== 'null' && bitAt(values as Uint8Array, bitOffset + row);
}

function concatBits(
  parts: readonly ColumnData[],
  length: number,
  isSet: (part: ColumnData, row: number) => boolean,
): Uint8Array {
  const bits = new Uint8Array(Math.ceil(length / 8));
  let at = 0;
  for (const part of parts) {
    for (let row = 0; row < part.length; row++, at++) {
      if (isSet(part, row)) bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7));
    }
  }
  return bits;
}

/** Where a part has nothing but nulls, zeros stay. */
function concatArrays<A extends NumberArray | BigintArray>(
  parts: readonly ColumnData[],
  all: A,
): A {
  let at = 0;
  for (const { values, length } of parts) {
    if (values !== undefined) all.set(values as never, at);
    at += length;
  }
  return all;
}

/** The first and the last offset that the rows of a column of strings or lists use. */
function rangeOf({ offsets, length }: ColumnData): readonly [from: number, to: number] {
  const from = offsets?.[0] ?? 0;
  return [from, offsets?.[length] ?? from];
}

function concatOffsets(parts: readonly ColumnData[], length: number): Int32Array {
  const all = new Int32Array(length + 1);
  let at = 0;
  let end = 0;
  for (const part of parts) {
    const [from, to] = rangeOf(part);
    for (let row = 1; row <= part.length; row++) {
      all[++at] = end + (part.offsets?.[row] ?? from) - from;
    }
    end += to - from;
  }
  return all;
}

function concatStrings(
  parts: readonly ColumnData[],
  length: number,
): { values: Uint8Array; offsets: Int32Array } {
  const offsets = concatOffsets(parts, length);
  const values = new Uint8Array(offsets[length] ?? 0);
  let at = 0;
  for (const part of parts) {
    const [from, to] = rangeOf(part);
    if (to > from) values.set((part.values as Uint8Array).subarray(from, to), at);
    at += to - from;
  }
  return { values, offsets };
}

function concatLists(
  parts: readonly ColumnData[],
  length: number,
  type: ColumnType,
): { values: undefined; offsets: Int32Array; child: ColumnData } {
  const children = parts.flatMap((part) =>
    part.child === undefined ? [] : [sliceData(part.child, ...rangeOf(part))],
  );
  const offsets = concatOffsets(parts, length);
  return { values: undefined, offsets, child: concatColumns(children, type) };
}

/** One dictionary of the strings that are used, in the order in which they are. */
function concatCodes(
  parts: readonly ColumnData[],
  length: number,
): { values: Int32Array; child: ColumnData } {
  const codes = new Map<string, number>();
  /** What becomes of the codes of each dictionary: parts of one block have theirs in common. */
  const known = new Map<ColumnData, { readonly strings: string[]; readonly moved: Int32Array }>();
  const values = new Int32Array(length);
  let at = 0;
  for (const part of parts) {
    const { child } = part;
    const start = at;
    at += part.length;
    if (child === undefined) continue;
    let dictionary = known.get(child);
    if (dictionary === undefined) {
      const strings = new Column<string>(child).toArray();
      dictionary = { strings, moved: new Int32Array(strings.length).fill(-1) };
      known.set(child, dictionary);
    }
    const { strings, moved } = dictionary;
    for (let row = 0; row < part.length; row++) {
      if (!isValid(part, row)) continue;
      const code = Number(part.values?.[row]);
      let next = moved[code] ?? -1;
      if (next === -1) {
        const text = strings[code] ?? '';
        next = codes.get(text) ?? codes.size;
        codes.set(text, next);
        moved[code] = next;
      }
      values[start + row] = next;
    }
  }
  return { values, child: buildColumn('dictionary', [...codes.keys()], 'utf8') };
}
