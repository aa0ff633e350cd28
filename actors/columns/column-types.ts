/** The types a column can have, which values go with each, and how they follow from values. */
import { ColumnError } from '../../machines/errors.ts';

export type NumberType =
  'int8' | 'int16' | 'int32' | 'uint8' | 'uint16' | 'uint32' | 'float32' | 'float64';
export type BigintType = 'int64' | 'uint64';

/** Values of varying number a row. */
export interface ListType {
  readonly list: ColumnType;
}

/**
 * - a number type: numbers; `int64` and `uint64`: bigints
 * - `bool`: booleans
 * - `utf8`: strings; `dictionary`: strings of which many are the same, each kept once
 * - `timestamp`: dates, in whole milliseconds
 * - `{ list: type }`: arrays
 * - `null`: nothing but nulls
 *
 * Every column may have nulls. A value that is missing or undefined counts as null.
 */
export type ColumnType =
  NumberType | BigintType | 'bool' | 'utf8' | 'dictionary' | 'timestamp' | 'null' | ListType;

/** The column types that can hold values of type `V`. */
export type ColumnTypeFor<V> = [NonNullable<V>] extends [never]
  ? 'null'
  : [NonNullable<V>] extends [number]
    ? NumberType
    : [NonNullable<V>] extends [bigint]
      ? BigintType
      : [NonNullable<V>] extends [boolean]
        ? 'bool'
        : [NonNullable<V>] extends [string]
          ? 'utf8' | 'dictionary'
          : [NonNullable<V>] extends [Date]
            ? 'timestamp'
            : [NonNullable<V>] extends [readonly (infer I)[]]
              ? { readonly list: ColumnTypeFor<I> }
              : ColumnType;

/** The fields of rows of type `T`: rows that are no records have a single one, called `value`. */
export type Fields<T> = [T] extends [Scalar] ? { readonly value: T } : T;

type Scalar =
  string | number | bigint | boolean | Date | null | undefined | symbol | readonly unknown[];

/** Types for the columns of rows of type `T`. What is left out follows from the values. */
export type ColumnTypes<T> = {
  readonly [K in keyof Fields<T> & string]?: ColumnTypeFor<Fields<T>[K]>;
};

/** The arrays behind number columns, for loops. They belong to the block: read only. */
export type NumberArray =
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Float32Array
  | Float64Array;
export type BigintArray = BigInt64Array | BigUint64Array;

export const NUMBER_ARRAYS = {
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

/** The whole numbers each type can hold. */
const RANGES: Partial<Record<NumberType, readonly [number, number]>> = {
  int8: [-(2 ** 7), 2 ** 7 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint8: [0, 2 ** 8 - 1],
  uint16: [0, 2 ** 16 - 1],
  uint32: [0, 2 ** 32 - 1],
};

/** `list<utf8>` */
export function typeText(type: ColumnType): string {
  return typeof type === 'string' ? type : `list<${typeText(type.list)}>`;
}

/** Whether a value can be in a column of this type. Lists are checked by their items. */
export function fits(value: unknown, type: Exclude<ColumnType, ListType>): boolean {
  switch (type) {
    case 'bool':
      return typeof value === 'boolean';
    case 'utf8':
    case 'dictionary':
      return typeof value === 'string';
    case 'timestamp':
      return value instanceof Date && !Number.isNaN(value.getTime());
    case 'int64':
      return typeof value === 'bigint' && BigInt.asIntN(64, value) === value;
    case 'uint64':
      return typeof value === 'bigint' && BigInt.asUintN(64, value) === value;
    case 'null':
      return false;
    case 'float64':
      return typeof value === 'number';
    case 'float32':
      return typeof value === 'number' && Object.is(Math.fround(value), value);
    default: {
      if (typeof value !== 'number' || !Number.isInteger(value) || Object.is(value, -0)) {
        return false;
      }
      const [least, most] = RANGES[type] ?? [0, 0];
      return value >= least && value <= most;
    }
  }
}

/**
 * The type that follows from values: numbers are `float64`, whatever they are, so that all blocks of a
 * flow agree.
 * @throws ColumnError when values are of several kinds, or of one that columns do not have.
 */
export function inferType(column: string, values: readonly unknown[]): ColumnType {
  let inferred: ColumnType = 'null';
  const items: unknown[] = [];
  for (const [row, value] of values.entries()) {
    if (value === null || value === undefined) continue;
    const kind = kindOf(value);
    if (kind === undefined) {
      throw new ColumnError(column, row, `columns do not hold ${describeKind(value)}`);
    }
    if (kind === 'list') {
      if (inferred !== 'null' && typeof inferred === 'string')
        throw mixed(column, row, inferred, value);
      inferred = { list: 'null' };
      for (const item of value as readonly unknown[]) items.push(item);
    } else if (inferred === 'null') inferred = kind;
    else if (inferred !== kind) throw mixed(column, row, inferred, value);
  }
  return typeof inferred === 'string' ? inferred : { list: inferType(`${column}[]`, items) };
}

function kindOf(value: unknown): Exclude<ColumnType, ListType> | 'list' | undefined {
  switch (typeof value) {
    case 'number':
      return 'float64';
    case 'bigint':
      return fits(value, 'int64') ? 'int64' : undefined;
    case 'boolean':
      return 'bool';
    case 'string':
      return 'utf8';
    default:
      if (Array.isArray(value)) return 'list';
      return value instanceof Date ? 'timestamp' : undefined;
  }
}

function mixed(column: string, row: number, type: ColumnType, value: unknown): ColumnError {
  return new ColumnError(
    column,
    row,
    `the values before it are ${typeText(type)}, and this one is ${describeKind(value)}: all values of a column are of one type`,
  );
}

/** What a value is, for messages. */
export function describeKind(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'number' || typeof value === 'bigint')
    return `the ${typeof value} ${String(value)}`;
  if (typeof value === 'string') return 'a string';
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid date' : 'a date';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
