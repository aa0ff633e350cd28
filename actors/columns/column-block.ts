/** Blocks of typed columns. */
import { ColumnError, StoreError } from '../../machines/errors.ts';
import type { Block, BlockMessage, BlockTransfer, Field } from '../block.ts';
import { buildColumn, columnOver } from './column-builder.ts';
import {
  arraysOf,
  bytesOfData,
  copyData,
  dictionaryBytes,
  sliceData,
  type ColumnData,
} from './column-data.ts';
import {
  typeText,
  type BigintArray,
  type ColumnType,
  type ColumnTypes,
  type Fields,
  type NumberArray,
} from './column-types.ts';
import { Column } from './column.ts';
import { commonType, concatColumns } from './concat-columns.ts';
import { freeBuffers } from './free-buffers.ts';

/** What a column can be made of: a column, an array of numbers as it is, or any values. */
export type ColumnInput = Column<unknown> | NumberArray | BigintArray | readonly unknown[];

/** The type of the values of a column that is made of `C`. */
type ValueOf<C> =
  C extends Column<infer V>
    ? V
    : C extends NumberArray
      ? number
      : C extends BigintArray
        ? bigint
        : C extends readonly (infer V)[]
          ? V
          : never;

/** The rows of a block made of such columns. */
export type RowOf<C> = { -readonly [K in keyof C]: ValueOf<C[K]> };

type NamedColumn = readonly [name: string, data: ColumnData];
type ColumnsMessage = Extract<BlockMessage, { kind: 'columns' }>;

/**
 * Which block a buffer belongs to alone: only that one may move it to another thread. Kept at the buffer,
 * for what is a key of a `WeakMap` lives until V8 has collected the whole heap, and buffers are large.
 */
const OWNER = Symbol('owner');
/** Stands for several owners. */
const OWNED_BY_SEVERAL = {};
/** To let go of less at once costs more than to have it collected. */
const WORTH_FREEING_BYTES = 64 * 1024;

type OwnedBuffer = ArrayBufferLike & { [OWNER]?: object };

function ownerOf(buffer: OwnedBuffer): object | undefined {
  return buffer[OWNER];
}

function setOwner(buffer: OwnedBuffer, owner: object): void {
  // One that is frozen has no owner, and is copied; so is shared memory.
  if (isMovable(buffer)) Reflect.set(buffer, OWNER, owner);
}

export class ColumnBlock<T> implements Block<T> {
  readonly kind = 'columns';
  readonly numRows: number;
  readonly sizeBytes: number;
  #columns: ReadonlyMap<string, ColumnData> | undefined;
  readonly #isPlain: boolean;
  /** The part of its dictionaries that is charged to it: slices have them in common. */
  readonly #share: number;
  /** It came in a message, and was shown to nobody: only who holds it knows of its arrays. */
  #isAlone: boolean;
  /** Rows that were made; who uses them keeps them. */
  #rows: WeakRef<readonly T[]> | undefined;

  /** Use `columnBlock` or `rowsToColumns`. */
  constructor(
    { numRows, sizeBytes, isPlain, columns }: ColumnsMessage,
    share = 1,
    isAlone = false,
  ) {
    this.numRows = numRows;
    this.sizeBytes = sizeBytes;
    this.#isPlain = isPlain;
    this.#share = share;
    this.#isAlone = isAlone;
    this.#columns = new Map(columns);
    for (const buffer of this.#buffers()) {
      setOwner(buffer, ownerOf(buffer) === undefined ? this : OWNED_BY_SEVERAL);
    }
  }

  get schema(): readonly Field[] {
    return [...this.#all()].map(([name, { type }]) => ({ name, type: typeText(type) }));
  }

  get rows(): readonly T[] {
    const made = this.#rows?.deref();
    if (made !== undefined) return made;
    const rows = this.#makeRows();
    this.#rows = new WeakRef(rows);
    return rows;
  }

  column<K extends keyof Fields<T> & string>(name: K): Column<Fields<T>[K]> {
    const data = this.#all().get(name);
    if (data !== undefined) return new Column(data);
    const known = [...this.#all().keys()].join(', ');
    throw new ColumnError(name, undefined, `there is no such column; there are: ${known}`);
  }

  slice(from: number, to: number): ColumnBlock<T> {
    const first = Math.min(Math.max(0, from), this.numRows);
    const last = Math.min(Math.max(first, to), this.numRows);
    const entries = [...this.#all()].map(
      ([name, data]) => [name, sliceData(data, first, last)] as const,
    );
    const share = (this.#share * (last - first)) / Math.max(1, this.numRows);
    const slice = blockOf<T>(entries, last - first, this.#isPlain, share);
    for (const buffer of this.#buffers()) setOwner(buffer, OWNED_BY_SEVERAL);
    return slice;
  }

  toTransfer(): BlockTransfer {
    const transfer = new Set<ArrayBuffer>();
    const columns = [...this.#all()].map(([name, data]): NamedColumn => {
      const buffers = arraysOf(data).map(({ buffer }) => buffer);
      const isOurs = buffers.every((buffer) => ownerOf(buffer) === this && isMovable(buffer));
      const moved = isOurs ? data : copyData(data);
      for (const { buffer } of arraysOf(moved)) if (isMovable(buffer)) transfer.add(buffer);
      return [name, moved];
    });
    // What was shared is a copy of its own now, dictionaries included.
    const message = { ...this.#message(columns), sizeBytes: sizeOf(columns, this.numRows) };
    this.#columns = undefined;
    this.#rows = undefined;
    return { message, transfer: [...transfer] };
  }

  /**
   * A transform gets to see it, and may keep its arrays when the block is long gone.
   * @internal
   */
  show(): this {
    this.#isAlone = false;
    return this;
  }

  /**
   * Nobody will use it any more. If nobody can know of its arrays either, their memory is given back at
   * once, instead of when it is collected.
   * @internal
   */
  free(): void {
    if (!this.#isAlone || this.#columns === undefined || this.sizeBytes < WORTH_FREEING_BYTES)
      return;
    const own = [...this.#buffers()].filter((buffer) => ownerOf(buffer) === this);
    this.#columns = undefined;
    this.#rows = undefined;
    // Whoever has released it may have moved some of them by hand.
    freeBuffers(own.filter(isMovable).filter(({ byteLength }) => byteLength > 0));
  }

  /** What the block is made of, as it lies in memory. It stays the block's. */
  toMessage(): ColumnsMessage {
    return this.#message([...this.#all()]);
  }

  #message(columns: readonly NamedColumn[]): ColumnsMessage {
    const { kind, numRows, sizeBytes } = this;
    return { kind, numRows, sizeBytes, isPlain: this.#isPlain, columns };
  }

  #all(): ReadonlyMap<string, ColumnData> {
    if (this.#columns !== undefined) return this.#columns;
    throw new StoreError(
      'the block was released, or handed over to another thread: it cannot be used here any more',
    );
  }

  #buffers(): ReadonlySet<ArrayBufferLike> {
    const all = [...this.#all().values()];
    return new Set(all.flatMap((data) => arraysOf(data).map(({ buffer }) => buffer)));
  }

  #makeRows(): readonly T[] {
    const all = this.#all();
    const names = [...all.keys()];
    const arrays = [...all.values()].map((data) => new Column(data).toArray());
    if (this.#isPlain) return (arrays[0] ?? []) as T[];
    const rows = new Array<T>(this.numRows);
    for (let index = 0; index < this.numRows; index++) {
      const row: Record<string, unknown> = {};
      for (let place = 0; place < names.length; place++) {
        row[names[place] ?? ''] = arrays[place]?.[index];
      }
      rows[index] = row as T;
    }
    return rows;
  }
}

/**
 * A block made of columns: those of other blocks, arrays of numbers, which are not copied and belong to
 * the block from now on, or any values.
 * @param types of columns that are made of values; the others follow from the values.
 * @throws ColumnError when values do not fit, or columns are not of one length.
 *
 * @example
 * columnBlock({ id: orders.column('id'), total: Float64Array.of(1.5, 2), currency: ['EUR', 'EUR'] },
 *   { currency: 'dictionary' })
 */
export function columnBlock<const C extends Readonly<Record<string, ColumnInput>>>(
  columns: C,
  types: ColumnTypes<RowOf<C>> = {},
): ColumnBlock<RowOf<C>> {
  const entries = Object.entries(columns).map(
    ([name, input]) => [name, toData(name, input, typeAt(types, name))] as const,
  );
  const numRows = entries[0]?.[1].length ?? 0;
  for (const [name, { length }] of entries) {
    if (name === '__proto__')
      throw new ColumnError(name, undefined, 'no column can have this name');
    if (length === numRows) continue;
    throw new ColumnError(
      name,
      undefined,
      `it has ${String(length)} rows, and the first column has ${String(numRows)}`,
    );
  }
  return blockOf(entries, numRows, false);
}

/**
 * Rows as a block of columns, one for each field of any row; a field that a row does not have is null.
 * Rows that are no records become one column, `value`.
 * @param types of columns; those that are left out follow from the values.
 * @throws ColumnError when a value is of a type that columns do not hold.
 */
export function rowsToColumns<T>(rows: readonly T[], types: ColumnTypes<T> = {}): ColumnBlock<T> {
  const isPlain = rows.length > 0 ? !rows.every(isRecord) : 'value' in types;
  if (isPlain) {
    const data = buildColumn('value', rows, typeAt(types, 'value'));
    return blockOf([['value', data]], rows.length, true);
  }
  const names = new Set(Object.keys(types));
  for (const row of rows) for (const name in row) names.add(name);
  if (names.has('__proto__')) {
    throw new ColumnError('__proto__', undefined, 'no column can have this name');
  }
  const entries = [...names].map((name) => {
    const values = rows.map((row) => (row as Readonly<Record<string, unknown>>)[name]);
    return [name, buildColumn(name, values, typeAt(types, name))] as const;
  });
  return blockOf(entries, rows.length, false);
}

/** A block of records over columns as they lie in memory. They are not copied. */
export function blockOfColumns<T>(
  columns: readonly NamedColumn[],
  numRows: number,
): ColumnBlock<T> {
  return blockOf(columns, numRows, false);
}

/** All rows of some blocks as one, if they have the same columns: undefined when they do not. */
export function concatColumnBlocks<T>(
  blocks: readonly ColumnBlock<T>[],
): ColumnBlock<T> | undefined {
  const [first, ...others] = blocks.map((block) => block.toMessage());
  if (first === undefined) return undefined;
  for (const { isPlain, columns } of others) {
    if (isPlain !== first.isPlain || columns.length !== first.columns.length) return undefined;
  }
  const entries: NamedColumn[] = [];
  for (const [place, [name, data]] of first.columns.entries()) {
    const parts = [data];
    let type: ColumnType | undefined = data.type;
    for (const { columns } of others) {
      const other = columns[place];
      if (other?.[0] !== name) return undefined;
      parts.push(other[1]);
      type = commonType(type, other[1].type);
      if (type === undefined) return undefined;
    }
    entries.push([name, concatColumns(parts, type)]);
  }
  const numRows = blocks.reduce((sum, block) => sum + block.numRows, 0);
  return blockOf(entries, numRows, first.isPlain);
}

function blockOf<T>(
  columns: readonly NamedColumn[],
  numRows: number,
  isPlain: boolean,
  share = 1,
): ColumnBlock<T> {
  const sizeBytes = sizeOf(columns, numRows, share);
  return new ColumnBlock({ kind: 'columns', numRows, sizeBytes, isPlain, columns }, share);
}

/** Bytes of some columns; never 0 for rows, even if all of it is null. */
function sizeOf(columns: readonly NamedColumn[], numRows: number, share = 1): number {
  let bytes = 0;
  for (const [, data] of columns) bytes += bytesOfData(data) - dictionaryBytes(data) * (1 - share);
  return Math.max(numRows, Math.ceil(bytes));
}

function toData(name: string, input: ColumnInput, type: ColumnType | undefined): ColumnData {
  if (input instanceof Column) return input.data;
  if (!ArrayBuffer.isView(input)) return buildColumn(name, input, type);
  if (isDetached(input.buffer)) {
    throw new ColumnError(
      name,
      undefined,
      'its array is not here any more: it was given away with a block that it was in before',
    );
  }
  // A part of a larger buffer: the rest is somebody else's.
  if (input.byteLength < input.buffer.byteLength) setOwner(input.buffer, OWNED_BY_SEVERAL);
  return columnOver(input);
}

function typeAt(types: object, name: string): ColumnType | undefined {
  return (types as Readonly<Record<string, ColumnType | undefined>>)[name];
}

function isRecord(row: unknown): boolean {
  if (typeof row !== 'object' || row === null) return false;
  const prototype: unknown = Object.getPrototypeOf(row);
  return prototype === Object.prototype || prototype === null;
}

/** There is no other way to tell it from an empty one before Node 22. */
function isDetached(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    buffer.slice(0);
    return false;
  } catch {
    return true;
  }
}

function isMovable(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  return buffer instanceof ArrayBuffer;
}
