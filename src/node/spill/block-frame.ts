/**
 * A block as a file: a header that says what follows, of which block, how long it is and its checksum.
 * Whatever is wrong with a file is found before anything of it is used.
 */
import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import { blockFromMessage, type Block, type BlockMessage } from '../../../actors/block.ts';
import { ColumnBlock } from '../../../actors/columns/column-block.ts';
import {
  arraysOf,
  bytesOfData,
  copyData,
  type ColumnData,
} from '../../../actors/columns/column-data.ts';
import { StoreError } from '../../../machines/errors.ts';
import { decodeRows, encodeRows } from './row-codec.ts';

/** `SLB1`: a block of Sluice, first version. */
const MAGIC = 0x31424c53;
const HEADER_BYTES = 40;
const ROWS = 1;
const COLUMNS = 2;

type ColumnsMessage = Extract<BlockMessage, { kind: 'columns' }>;
/** A column without its arrays, which follow in the order of `arraysOf`. */
type Shape = Omit<ColumnData, 'values' | 'offsets' | 'validity' | 'child'> & {
  readonly validity: number | undefined;
  readonly offsets: number | undefined;
  readonly values: { readonly kind: number; readonly length: number } | undefined;
  readonly child: Shape | undefined;
};

/** The arrays that columns can have, by number. */
const ARRAYS = [
  Int8Array,
  Int16Array,
  Int32Array,
  Uint8Array,
  Uint16Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;

/** A block as pieces of a file; undefined when its rows would not come back as they are. */
export function encodeBlock(id: number, block: Block<unknown>): readonly Uint8Array[] | undefined {
  if (block instanceof ColumnBlock) {
    const message = block.toMessage();
    return frame(id, COLUMNS, block.sizeBytes, encodeColumns(message));
  }
  const rows = encodeRows(block.rows);
  return rows === undefined ? undefined : frame(id, ROWS, block.sizeBytes, [rows]);
}

/**
 * The block that is in a file.
 * @throws StoreError when the file is not what was written for this block.
 */
export function decodeBlock(id: number, file: Uint8Array): Block<unknown> {
  const payload = file.subarray(HEADER_BYTES);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.byteLength < HEADER_BYTES || view.getUint32(0, true) !== MAGIC) {
    throw broken(id, 'it is no file of a block');
  }
  if (view.getUint32(36, true) !== crc32(file.subarray(0, 36))) {
    throw broken(id, 'its header is damaged');
  }
  const written = Number(view.getBigUint64(8, true));
  if (written !== id) throw broken(id, `it is that of block ${String(written)}`);
  const length = Number(view.getBigUint64(16, true));
  if (length !== payload.byteLength) {
    const there = String(payload.byteLength);
    throw broken(id, `it has ${there} bytes, and ${String(length)} were written`);
  }
  if (view.getUint32(32, true) !== crc32(payload)) throw broken(id, 'its checksum is wrong');
  const sizeBytes = view.getFloat64(24, true);
  return blockFromMessage(
    view.getUint32(4, true) === ROWS
      ? { kind: 'rows', rows: decodeRows(payload), sizeBytes }
      : { ...decodeColumns(payload), sizeBytes },
  );
}

function frame(
  id: number,
  kind: number,
  sizeBytes: number,
  pieces: readonly Uint8Array[],
): readonly Uint8Array[] {
  // The checksum of an empty piece is 0, whatever came before it.
  const payload = pieces.filter(({ byteLength }) => byteLength > 0);
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, kind, true);
  view.setBigUint64(8, BigInt(id), true);
  view.setBigUint64(16, BigInt(payload.reduce((sum, { byteLength }) => sum + byteLength, 0)), true);
  view.setFloat64(24, sizeBytes, true);
  view.setUint32(
    32,
    payload.reduce((checksum, piece) => crc32(piece, checksum), 0),
    true,
  );
  view.setUint32(36, crc32(header.subarray(0, 36)), true);
  return [header, ...payload];
}

/** The shapes of the columns, and then their arrays, each at a multiple of 8. */
function encodeColumns({ numRows, isPlain, columns }: ColumnsMessage): readonly Uint8Array[] {
  const compact = columns.map(
    ([name, data]) => [name, isPart(data) ? copyData(data) : data] as const,
  );
  const shapes = compact.map(([name, data]) => [name, shapeOf(data)] as const);
  const head = serialize({ numRows, isPlain, shapes });
  const length = new Uint8Array(8);
  new DataView(length.buffer).setUint32(0, head.byteLength, true);
  const pieces = [length, ...padded(head)];
  for (const [, data] of compact) {
    for (const { buffer, byteOffset, byteLength } of arraysOf(data)) {
      pieces.push(...padded(new Uint8Array(buffer, byteOffset, byteLength)));
    }
  }
  return pieces;
}

function decodeColumns(payload: Uint8Array): ColumnsMessage {
  const headBytes = new DataView(payload.buffer, payload.byteOffset).getUint32(0, true);
  const { numRows, isPlain, shapes } = deserialize(payload.subarray(8, 8 + headBytes)) as {
    numRows: number;
    isPlain: boolean;
    shapes: readonly (readonly [string, Shape])[];
  };
  let at = payload.byteOffset + 8 + roundUp(headBytes);
  const take = (kind: number, length: number): NonNullable<ColumnData['values']> => {
    const Kind = ARRAYS[kind] ?? Uint8Array;
    const array = new Kind(payload.buffer as ArrayBuffer, at, length);
    at += roundUp(array.byteLength);
    return array;
  };
  const read = (shape: Shape): ColumnData => {
    const { validity, offsets, values, child, ...rest } = shape;
    return {
      ...rest,
      validity: validity === undefined ? undefined : (take(BYTES, validity) as Uint8Array),
      offsets: offsets === undefined ? undefined : (take(OFFSETS, offsets) as Int32Array),
      values: values === undefined ? undefined : take(values.kind, values.length),
      child: child === undefined ? undefined : read(child),
    };
  };
  const columns = shapes.map(([name, shape]) => [name, read(shape)] as const);
  return { kind: 'columns', numRows, sizeBytes: 0, isPlain, columns };
}

const BYTES = ARRAYS.indexOf(Uint8Array);
const OFFSETS = ARRAYS.indexOf(Int32Array);

function shapeOf({ validity, offsets, values, child, ...rest }: ColumnData): Shape {
  const kind = ARRAYS.findIndex((Kind) => values instanceof Kind);
  return {
    ...rest,
    validity: validity?.length,
    offsets: offsets?.length,
    values: values === undefined ? undefined : { kind, length: values.length },
    child: child === undefined ? undefined : shapeOf(child),
  };
}

/** Whether it is cut from something larger, which must not be written as a whole. */
function isPart(data: ColumnData): boolean {
  const bytes = arraysOf(data).reduce((sum, { byteLength }) => sum + byteLength, 0);
  return bytes > bytesOfData(data);
}

function padded(bytes: Uint8Array): readonly Uint8Array[] {
  const padding = roundUp(bytes.byteLength) - bytes.byteLength;
  return padding === 0 ? [bytes] : [bytes, new Uint8Array(padding)];
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

function broken(id: number, problem: string): StoreError {
  return new StoreError(`the spilled file of block ${String(id)} cannot be used: ${problem}`);
}
