/** Arrow IPC as a source and as a sink of pipelines. */
import { tableFromColumns, tableToIPC, type Table } from '@uwdata/flechette';
import { asColumns, rowBlock, type Block } from '../../actors/block.ts';
import { buildColumn } from '../../actors/columns/column-builder.ts';
import { blockOfColumns } from '../../actors/columns/column-block.ts';
import type { ColumnData } from '../../actors/columns/column-data.ts';
import { typeText, type ColumnType, type ColumnTypes } from '../../actors/columns/column-types.ts';
import { Column } from '../../actors/columns/column.ts';
import type { Source } from '../../actors/sources.ts';
import type { Sink } from '../../actors/transforms/sink.ts';
import { ColumnError } from '../../machines/errors.ts';
import { fromArrow } from './from-arrow.ts';
import { toArrow } from './to-arrow.ts';

/** The bytes of an Arrow IPC stream or file, or what fetches them for each run. */
export type ArrowInput =
  Uint8Array | ArrayBuffer | (() => Uint8Array | ArrayBuffer | Promise<Uint8Array | ArrayBuffer>);

/**
 * Reads Arrow IPC, a stream or a file: a block of columns for each record batch. The type of the rows
 * is yours to say.
 *
 * @example
 * pipeline('flights').fromSource(readArrow<Flight>(() => readFile('flights.arrow')))
 */
export function readArrow<T>(input: ArrowInput): Source<T, ArrowInput> {
  return {
    name: 'readArrow',
    rereadable: typeof input === 'function',
    splits: () => [input],
    async *read(input) {
      yield* fromArrow<T>(typeof input === 'function' ? await input() : input);
    },
  };
}

/** `0xFFFFFFFF` and a length of 0 end a stream. */
const END = Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0);

/**
 * Writes an Arrow IPC stream, a record batch for each block, as the blocks come. Dictionaries are
 * written as plain strings: the parts of a stream share them.
 *
 * @param write gets the bytes, piece by piece; the next piece comes when it has resolved.
 * @param types of the columns. Those left out follow from the values of the first block, and all others
 *   must agree.
 *
 * @example
 * const file = await open('out.arrows', 'w');
 * await flow.to(arrowSink((bytes) => file.writeFile(bytes))).start().done;
 */
export function arrowSink<T>(
  write: (bytes: Uint8Array) => unknown,
  types: ColumnTypes<T> = {},
): Sink<T> {
  let first: string | undefined;

  async function writeBlock(block: Block<T>): Promise<void> {
    const { columns, numRows } = asColumns(block, types).toMessage();
    const plain = blockOfColumns<T>(
      columns.map(([name, data]) => [name, withoutDictionary(name, data)]),
      numRows,
    );
    const schema = plain.schema.map(({ name, type }) => `${name} ${type}`).join(', ');
    const bytes = encode(toArrow(plain));
    if (first === undefined) {
      first = schema;
      await write(bytes.subarray(0, -END.length));
      return;
    }
    if (schema !== first) throw differs(first, schema);
    await write(bytes.subarray(firstMessageBytes(bytes), -END.length));
  }

  return {
    open: () => {
      first = undefined;
    },
    write: (rows) => writeBlock(rowBlock(rows)),
    writeBlock,
    async close() {
      // Without any block there is no schema, and still something that can be read.
      if (first === undefined) await write(encode(tableFromColumns([])));
      else await write(END);
    },
  };
}

function encode(table: Table): Uint8Array {
  const bytes = tableToIPC(table, { format: 'stream' });
  if (bytes === null) throw new TypeError('the table was not encoded');
  return bytes;
}

/** A message is a marker of four bytes, the length of what follows in four, and that. */
function firstMessageBytes({ buffer, byteOffset }: Uint8Array): number {
  return 8 + new DataView(buffer, byteOffset).getInt32(4, true);
}

/** The same column, with strings as they are. */
function withoutDictionary(name: string, data: ColumnData): ColumnData {
  const type = plainType(data.type);
  const isPlain = typeText(type) === typeText(data.type);
  return isPlain ? data : buildColumn(name, new Column(data).toArray(), type);
}

function plainType(type: ColumnType): ColumnType {
  if (typeof type === 'string') return type === 'dictionary' ? 'utf8' : type;
  return { list: plainType(type.list) };
}

function differs(first: string, schema: string): ColumnError {
  const before = new Set(first.split(', '));
  const other = schema.split(', ').find((column) => !before.has(column)) ?? schema;
  return new ColumnError(
    other.split(' ')[0] ?? '',
    undefined,
    `all blocks of a stream have the same columns. The first one has: ${first}; this one: ${schema}. Give arrowSink the types`,
  );
}
