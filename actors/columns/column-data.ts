/**
 * Columns in memory, in the layout of Arrow: a plain object of typed arrays that can be posted to
 * another thread, cut without copying, and framed as Arrow IPC.
 */
import type { BigintArray, ColumnType, NumberArray } from './column-types.ts';

export interface ColumnData {
  readonly type: ColumnType;
  readonly length: number;
  /** One bit a row, lowest first, 1 where there is a value; undefined when there are no nulls. */
  readonly validity: Uint8Array | undefined;
  /** Bits of `validity`, and of the values of booleans, to skip. */
  readonly bitOffset: number;
  /**
   * Numbers as they are; timestamps as milliseconds; booleans as bits; dictionary codes; the bytes of
   * strings. Undefined for lists and nulls.
   */
  readonly values: NumberArray | BigintArray | undefined;
  /** Where each string begins in `values`, or each list in `child`, and where the last one ends. */
  readonly offsets: Int32Array | undefined;
  /** The items of lists, or the strings of a dictionary. */
  readonly child: ColumnData | undefined;
}

/** Whether what it was made of is not here any more: its arrays are empty then. */
export function isGone({ length, offsets, values }: ColumnData): boolean {
  return length > 0 && (offsets ?? values)?.byteLength === 0;
}

/** Whether there is a value in a row. */
export function isValid({ validity, bitOffset }: ColumnData, row: number): boolean {
  return validity === undefined || bitAt(validity, bitOffset + row);
}

export function bitAt(bits: Uint8Array, index: number): boolean {
  return (((bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
}

export function countNulls(data: ColumnData): number {
  if (data.type === 'null') return data.length;
  if (data.validity === undefined) return 0;
  let nulls = 0;
  for (let row = 0; row < data.length; row++) if (!isValid(data, row)) nulls += 1;
  return nulls;
}

/** The rows from `from` up to `to`, over the same memory. */
export function sliceData(data: ColumnData, from: number, to: number): ColumnData {
  const { type, values, offsets } = data;
  const length = to - from;
  const bitOffset = data.bitOffset + from;
  if (offsets !== undefined) {
    return { ...data, length, bitOffset, offsets: offsets.subarray(from, to + 1) };
  }
  if (type === 'bool' || values === undefined) return { ...data, length, bitOffset };
  return { ...data, length, bitOffset, values: values.subarray(from, to) };
}

/**
 * The same column in memory of its own that holds nothing else.
 * @param allocate gives memory for so many bytes, at an address that is a multiple of 8.
 */
export function copyData(
  data: ColumnData,
  allocate: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes),
): ColumnData {
  const { type, length, offsets, values } = data;
  const validity =
    data.validity === undefined
      ? undefined
      : copyBits(data.validity, data.bitOffset, length, allocate);
  const copy = { ...data, bitOffset: 0, validity };
  if (type === 'bool') {
    const bits = copyBits(values as Uint8Array, data.bitOffset, length, allocate);
    return { ...copy, values: bits };
  }
  if (offsets === undefined) {
    const child = data.child === undefined ? undefined : copyData(data.child, allocate);
    return {
      ...copy,
      child,
      values: values === undefined ? undefined : copyArray(values, allocate),
    };
  }
  const first = offsets[0] ?? 0;
  const last = offsets[length] ?? first;
  const moved = copyArray(offsets.subarray(0, length + 1), allocate);
  if (first > 0)
    for (let index = 0; index <= length; index++) moved[index] = (moved[index] ?? 0) - first;
  return {
    ...copy,
    offsets: moved,
    values: values === undefined ? undefined : copyArray(values.subarray(first, last), allocate),
    child:
      data.child === undefined ? undefined : copyData(sliceData(data.child, first, last), allocate),
  };
}

/** All the arrays of a column, in an order that does not depend on its values. */
export function arraysOf(data: ColumnData): readonly (NumberArray | BigintArray)[] {
  const { validity, values, offsets, child } = data;
  const own = [validity, offsets, values].filter((array) => array !== undefined);
  return child === undefined ? own : [...own, ...arraysOf(child)];
}

/** Bytes of the part of the memory that the rows of this column use. A dictionary counts in full. */
export function bytesOfData(data: ColumnData): number {
  const { type, length, validity, values, offsets, child } = data;
  const bits = Math.ceil(length / 8);
  let bytes = validity === undefined ? 0 : bits;
  if (type === 'bool') return bytes + bits;
  if (offsets === undefined) {
    bytes += values?.byteLength ?? 0;
    return child === undefined ? bytes : bytes + bytesOfData(child);
  }
  const first = offsets[0] ?? 0;
  const last = offsets[length] ?? first;
  bytes += offsets.byteLength;
  if (child !== undefined) return bytes + bytesOfData(sliceData(child, first, last));
  return bytes + (last - first);
}

/** The part of `bytesOfData` that dictionaries are. */
export function dictionaryBytes({ type, child }: ColumnData): number {
  if (child === undefined) return 0;
  return type === 'dictionary' ? bytesOfData(child) : dictionaryBytes(child);
}

function copyBits(
  bits: Uint8Array,
  from: number,
  length: number,
  allocate: (bytes: number) => Uint8Array,
): Uint8Array {
  const copy = allocate(Math.ceil(length / 8));
  if ((from & 7) === 0) {
    copy.set(bits.subarray(from >> 3, (from >> 3) + copy.length));
    return copy;
  }
  copy.fill(0);
  for (let index = 0; index < length; index++) {
    if (bitAt(bits, from + index)) copy[index >> 3] = (copy[index >> 3] ?? 0) | (1 << (index & 7));
  }
  return copy;
}

function copyArray<A extends NumberArray | BigintArray>(
  array: A,
  allocate: (bytes: number) => Uint8Array,
): A {
  const { buffer, byteOffset, byteLength } = array;
  const bytes = allocate(byteLength);
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength));
  const Kind = array.constructor as new (
    buffer: ArrayBufferLike,
    byteOffset: number,
    length: number,
  ) => A;
  return new Kind(bytes.buffer, bytes.byteOffset, array.length);
}
