/**
 * Arrow tables as blocks of columns. What has the same layout is taken as it is, without a copy; what
 * has not goes by its values.
 */
import { tableFromIPC, TimeUnit, Type, type Batch, type Table } from '@uwdata/flechette';
import { buildColumn } from '../../actors/columns/column-builder.ts';
import { blockOfColumns, type ColumnBlock } from '../../actors/columns/column-block.ts';
import type { ColumnData } from '../../actors/columns/column-data.ts';
import type { BigintArray, ColumnType, NumberArray } from '../../actors/columns/column-types.ts';
import { describe, FormatError } from '../../machines/errors.ts';

/**
 * The blocks of an Arrow table, or of the bytes of an Arrow IPC stream or file: one for each record
 * batch. Timestamps and dates in whole milliseconds become dates; finer ones stay bigints.
 *
 * The type of the rows is yours to say: what is in the table is not known to the compiler.
 *
 * @throws FormatError when the bytes are no Arrow IPC.
 * @throws ColumnError when a column is of a type that blocks do not hold, a struct for instance.
 */
export function fromArrow<T>(table: Table | Uint8Array | ArrayBuffer): readonly ColumnBlock<T>[] {
  const { schema, children } = isBytes(table) ? decode(table) : table;
  const batches = children[0]?.data.length ?? 0;
  return Array.from({ length: batches }, (_, index) => {
    const columns = children.map((column, place) => {
      const name = schema.fields[place]?.name ?? String(place);
      return [name, columnData(name, column.data[index] as Batch<unknown>)] as const;
    });
    return blockOfColumns<T>(columns, children[0]?.data[index]?.length ?? 0);
  });
}

function isBytes(table: Table | Uint8Array | ArrayBuffer): table is Uint8Array | ArrayBuffer {
  return table instanceof Uint8Array || table instanceof ArrayBuffer;
}

function decode(bytes: Uint8Array | ArrayBuffer): Table {
  try {
    return tableFromIPC(bytes, { useBigInt: true });
  } catch (error) {
    throw new FormatError('Arrow data', undefined, describe(error), error);
  }
}

/** What is read of Arrow's own types. */
interface ArrowType {
  readonly typeId: number;
  readonly bitWidth?: number;
  readonly signed?: boolean;
  readonly precision?: number;
  readonly unit?: number;
}

function columnData(name: string, batch: Batch<unknown>): ColumnData {
  const type = batch.type as ArrowType;
  const { length, nullCount, children } = batch;
  const validity = nullCount > 0 ? batch.validity : undefined;
  const common = { length, validity, bitOffset: 0, offsets: undefined, child: undefined };
  const values = batch.values as NumberArray | BigintArray | undefined;
  const offsets = batch.offsets as Int32Array | undefined;
  const direct = directType(type);
  if (direct === 'null') return { ...common, type: 'null', validity: undefined, values: undefined };
  if (direct === 'bool') return { ...common, type: 'bool', values };
  if (direct === 'utf8') {
    return { ...common, type: 'utf8', values, offsets: offsets?.subarray(0, length + 1) };
  }
  if (direct !== undefined) return { ...common, type: direct, values: values?.subarray(0, length) };
  if (type.typeId === Type.List && children[0] !== undefined) {
    const child = columnData(`${name}[]`, children[0]);
    const own = { values: undefined, offsets: offsets?.subarray(0, length + 1), child };
    return { ...common, ...own, type: { list: child.type } };
  }
  return buildColumn(name, Array.from(batch), valueType(type));
}

/** The type of a column whose arrays are those of Arrow; undefined when it has none like this. */
function directType({ typeId, bitWidth, signed, precision, unit }: ArrowType): Scalar | undefined {
  switch (typeId) {
    case Type.Null:
      return 'null';
    case Type.Bool:
      return 'bool';
    case Type.Utf8:
      return 'utf8';
    case Type.Int:
      return `${signed === false ? 'uint' : 'int'}${String(bitWidth)}` as Scalar;
    case Type.Float:
      return precision === 1 ? 'float32' : precision === 2 ? 'float64' : undefined;
    case Type.Timestamp:
      if (unit === TimeUnit.SECOND) return undefined;
      return unit === TimeUnit.MILLISECOND ? 'timestamp' : 'int64';
    default:
      return undefined;
  }
}

type Scalar = Extract<ColumnType, string>;

/** The type of a column that is made of values; undefined when it follows from them. */
function valueType({ typeId }: ArrowType): ColumnType | undefined {
  if (typeId === Type.Dictionary) return 'dictionary';
  return typeId === Type.LargeUtf8 || typeId === Type.Utf8View ? 'utf8' : undefined;
}
