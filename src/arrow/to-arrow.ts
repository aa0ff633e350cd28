/** Blocks as Arrow tables. The layout is the same, so whole columns are handed over as they are. */
import {
  batchType,
  bool,
  Column as ArrowColumn,
  dictionary,
  field,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  list,
  nullType,
  tableFromColumns,
  timestamp,
  uint16,
  uint32,
  uint64,
  uint8,
  utf8,
  type Batch,
  type DataType,
  type Table,
} from '@uwdata/flechette';
import { asColumns, type Block } from '../../actors/block.ts';
import { copyData, countNulls, type ColumnData } from '../../actors/columns/column-data.ts';
import type { ColumnType, ColumnTypes } from '../../actors/columns/column-types.ts';

const SCALARS = {
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float32,
  float64,
  bool,
  utf8,
  timestamp: () => timestamp(),
  null: nullType,
  dictionary: () => dictionary(utf8(), int32()),
} as const;

/**
 * A block as an Arrow table of one record batch. Rows that are no records become a column `value`.
 * @param types of the columns of a block of rows; those left out follow from the values.
 * @throws ColumnError when its rows do not fit into columns.
 */
export function toArrow<T>(block: Block<T>, types?: ColumnTypes<T>): Table {
  const { columns } = asColumns(block, types).toMessage();
  return tableFromColumns(columns.map(([name, data]) => [name, arrowColumn(data)]));
}

function arrowColumn(data: ColumnData, type = arrowType(data.type)): ArrowColumn<unknown> {
  // Arrow has no bitmaps that begin within a byte, and its offsets begin at 0.
  return new ArrowColumn([arrowBatch(copyData(data), type)], type);
}

function arrowType(type: ColumnType): DataType {
  return typeof type === 'string' ? SCALARS[type]() : list(field('item', arrowType(type.list)));
}

function arrowBatch(data: ColumnData, type: DataType): Batch<unknown> {
  const { length, validity = NOTHING, values = NOTHING, offsets, child } = data;
  const Kind = batchType(type) as unknown as new (parts: object) => Batch<unknown>;
  const batch = new Kind({
    length,
    nullCount: countNulls(data),
    type,
    validity,
    values,
    offsets,
    children: 'children' in type && child !== undefined ? childBatches(type, child) : undefined,
  });
  if ('dictionary' in type && child !== undefined) {
    // The very same type: flechette finds the dictionary by it.
    const strings = arrowColumn(child, type.dictionary);
    (batch as Batch<unknown> & Dictionary).setDictionary(strings);
  }
  return batch;
}

interface Dictionary {
  setDictionary(strings: ArrowColumn<unknown>): void;
}

function childBatches(type: object, child: ColumnData): readonly Batch<unknown>[] {
  const { children } = type as { readonly children: readonly { readonly type: DataType }[] };
  return children.map((inner) => arrowBatch(child, inner.type));
}

const NOTHING = new Uint8Array(0);
