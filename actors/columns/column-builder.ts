/** Makes columns from values. */
import { ColumnError } from '../../machines/errors.ts';
import type { ColumnData } from './column-data.ts';
import {
  describeKind,
  fits,
  inferType,
  NUMBER_ARRAYS,
  typeText,
  type BigintArray,
  type ColumnType,
  type NumberArray,
  type NumberType,
} from './column-types.ts';

const encoder = new TextEncoder();
/** Half a surrogate pair: with the flag `u`, whole pairs are other characters. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * A column of values; its type follows from them when it is not given.
 * @throws ColumnError when a value does not fit.
 */
export function buildColumn(
  name: string,
  values: readonly unknown[],
  type: ColumnType = inferType(name, values),
): ColumnData {
  const { length } = values;
  const validity = validityOf(values);
  const common = { type, length, validity, bitOffset: 0, offsets: undefined, child: undefined };
  if (typeof type !== 'string') return { ...common, ...buildLists(name, values, type.list) };
  if (type === 'null') {
    check(name, values, type);
    return { ...common, validity: undefined, values: undefined };
  }
  check(name, values, type);
  switch (type) {
    case 'utf8':
      return { ...common, ...encodeStrings(name, values as readonly (string | null)[]) };
    case 'dictionary':
      return { ...common, ...buildDictionary(name, values as readonly (string | null)[]) };
    case 'bool':
      return { ...common, values: packBits(values, (value) => value === true) };
    case 'timestamp':
      return { ...common, values: fillBigints(new BigInt64Array(length), values, toMilliseconds) };
    case 'int64':
      return { ...common, values: fillBigints(new BigInt64Array(length), values, toBigint) };
    case 'uint64':
      return { ...common, values: fillBigints(new BigUint64Array(length), values, toBigint) };
    default:
      return { ...common, values: fillNumbers(type, values) };
  }
}

/** A column over an array of numbers, which is not copied: it belongs to the column from now on. */
export function columnOver(array: NumberArray | BigintArray): ColumnData {
  const common = { bitOffset: 0, validity: undefined, offsets: undefined, child: undefined };
  return { ...common, type: typeOfArray(array), length: array.length, values: array };
}

function typeOfArray(array: NumberArray | BigintArray): ColumnType {
  if (array instanceof BigInt64Array) return 'int64';
  if (array instanceof BigUint64Array) return 'uint64';
  const known = Object.entries(NUMBER_ARRAYS).find(([, Kind]) => array instanceof Kind);
  if (known === undefined) throw new TypeError('columns do not hold such arrays');
  return known[0] as NumberType;
}

function check(
  name: string,
  values: readonly unknown[],
  type: Exclude<ColumnType, { readonly list: ColumnType }>,
): void {
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (value === null || value === undefined || fits(value, type)) continue;
    throw new ColumnError(name, row, `${describeKind(value)} does not fit ${typeText(type)}`);
  }
}

function validityOf(values: readonly unknown[]): Uint8Array | undefined {
  const hasNulls = values.some((value) => value === null || value === undefined);
  return hasNulls ? packBits(values, (value) => value !== null && value !== undefined) : undefined;
}

function packBits(values: readonly unknown[], isSet: (value: unknown) => boolean): Uint8Array {
  const bits = new Uint8Array(Math.ceil(values.length / 8));
  for (let row = 0; row < values.length; row++) {
    if (isSet(values[row])) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7));
  }
  return bits;
}

function fillNumbers(type: NumberType, values: readonly unknown[]): NumberArray {
  const array = new NUMBER_ARRAYS[type](values.length);
  for (let row = 0; row < values.length; row++) array[row] = (values[row] ?? 0) as number;
  return array;
}

function fillBigints<A extends BigintArray>(
  array: A,
  values: readonly unknown[],
  convert: (value: unknown) => bigint,
): A {
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    array[row] = value === null || value === undefined ? 0n : convert(value);
  }
  return array;
}

function toBigint(value: unknown): bigint {
  return value as bigint;
}

function toMilliseconds(value: unknown): bigint {
  return BigInt((value as Date).getTime());
}

/** All strings in one go: encoding them one by one is many times slower. */
function encodeStrings(
  name: string,
  strings: readonly (string | null | undefined)[],
): { values: Uint8Array; offsets: Int32Array } {
  const offsets = new Int32Array(strings.length + 1);
  const joined = strings.join('');
  const values = encoder.encode(joined);
  // As many bytes as characters: all of it is ASCII, and a string is as long as it looks.
  const isAscii = values.length === joined.length;
  if (!isAscii) {
    const broken = strings.findIndex((text) => LONE_SURROGATE.test(text ?? ''));
    if (broken !== -1) {
      throw new ColumnError(
        name,
        broken,
        'the string has half a surrogate pair, which is no UTF-8',
      );
    }
  }
  let end = 0;
  for (const [row, text] of strings.entries()) {
    if (text !== null && text !== undefined) end += isAscii ? text.length : utf8Length(text);
    offsets[row + 1] = end;
  }
  return { values, offsets };
}

function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // The halves of a surrogate pair are two characters here and four bytes there.
    if (code >= 0x80) bytes += code >= 0x800 && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

function buildDictionary(
  name: string,
  strings: readonly (string | null | undefined)[],
): { values: Int32Array; child: ColumnData } {
  const codes = new Map<string, number>();
  const values = new Int32Array(strings.length);
  for (const [row, text] of strings.entries()) {
    if (text === null || text === undefined) continue;
    let code = codes.get(text);
    if (code === undefined) {
      code = codes.size;
      codes.set(text, code);
    }
    values[row] = code;
  }
  return { values, child: buildColumn(name, [...codes.keys()], 'utf8') };
}

function buildLists(
  name: string,
  lists: readonly unknown[],
  itemType: ColumnType,
): { values: undefined; offsets: Int32Array; child: ColumnData } {
  const offsets = new Int32Array(lists.length + 1);
  const items: unknown[] = [];
  for (const [row, list] of lists.entries()) {
    if (list !== null && list !== undefined) {
      if (!Array.isArray(list) && !ArrayBuffer.isView(list)) {
        throw new ColumnError(name, row, `${describeKind(list)} is no list`);
      }
      for (const item of list as Iterable<unknown>) items.push(item);
    }
    offsets[row + 1] = items.length;
  }
  return { values: undefined, offsets, child: buildColumn(`${name}[]`, items, itemType) };
}
