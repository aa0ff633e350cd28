/**
 * How many bytes rows weigh, estimated: JavaScript does not tell. Numbers count 8, strings their
 * characters, objects a header and their fields; buffers count what they hold. Large blocks are
 * sampled evenly, so the cost does not grow with the block.
 */

const SAMPLE = 32;
const HEADER = 24;
const SLOT = 8;
/** Nesting deeper than this counts as one slot: the estimate must end. */
const MAX_DEPTH = 8;

/** Estimated bytes of some rows; at least 1 a row, so that a queue of rows is never free. */
export function estimateBytes(rows: readonly unknown[]): number {
  const count = rows.length;
  if (count === 0) return 0;
  if (count <= SAMPLE) {
    let bytes = 0;
    for (const row of rows) bytes += sizeOf(row, 0);
    return bytes;
  }
  let bytes = 0;
  for (let index = 0; index < SAMPLE; index++) {
    bytes += sizeOf(rows[Math.floor((index * count) / SAMPLE)], 0);
  }
  return Math.ceil((bytes * count) / SAMPLE);
}

function sizeOf(value: unknown, depth: number): number {
  switch (typeof value) {
    case 'string':
      return SLOT + value.length;
    case 'object':
      return value === null ? SLOT : sizeOfObject(value, depth);
    case 'bigint':
      return 2 * SLOT;
    default:
      return SLOT;
  }
}

function sizeOfObject(value: object, depth: number): number {
  if (ArrayBuffer.isView(value)) return HEADER + value.byteLength;
  if (value instanceof ArrayBuffer) return HEADER + value.byteLength;
  if (depth >= MAX_DEPTH) return HEADER;
  if (Array.isArray(value)) return HEADER + SLOT * value.length + elements(value, depth);
  if (value instanceof Map || value instanceof Set) {
    return HEADER + elements([...value.values()], depth);
  }
  let bytes = HEADER;
  for (const key in value) {
    bytes += SLOT + sizeOf((value as Record<string, unknown>)[key], depth + 1);
  }
  return bytes;
}

function elements(items: readonly unknown[], depth: number): number {
  if (items.length <= SAMPLE) {
    return items.reduce<number>((sum, item) => sum + sizeOf(item, depth + 1), 0);
  }
  let bytes = 0;
  for (let index = 0; index < SAMPLE; index++) {
    bytes += sizeOf(items[Math.floor((index * items.length) / SAMPLE)], depth + 1);
  }
  return Math.ceil((bytes * items.length) / SAMPLE);
}
