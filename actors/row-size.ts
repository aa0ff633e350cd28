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
    for (const row of rows) bytes += sizeOf(row, []);
    return bytes;
  }
  let bytes = 0;
  for (let index = 0; index < SAMPLE; index++) {
    bytes += sizeOf(rows[Math.floor((index * count) / SAMPLE)], []);
  }
  return Math.ceil((bytes * count) / SAMPLE);
}

/** `within`: the objects the value is in, from the outermost one on. */
function sizeOf(value: unknown, within: object[]): number {
  switch (typeof value) {
    case 'string':
      return SLOT + value.length;
    case 'object':
      return value === null ? SLOT : sizeOfObject(value, within);
    case 'bigint':
      return 2 * SLOT;
    default:
      return SLOT;
  }
}

function sizeOfObject(value: object, within: object[]): number {
  if (ArrayBuffer.isView(value)) return HEADER + value.byteLength;
  if (value instanceof ArrayBuffer) return HEADER + value.byteLength;
  if (within.length >= MAX_DEPTH || within.includes(value)) return HEADER;
  within.push(value);
  const bytes = HEADER + contents(value, within);
  within.pop();
  return bytes;
}

function contents(value: object, within: object[]): number {
  if (Array.isArray(value)) return SLOT * value.length + elements(value, within);
  if (value instanceof Set) return elements([...value], within);
  if (value instanceof Map) {
    return elements([...value.keys()], within) + elements([...value.values()], within);
  }
  let bytes = 0;
  for (const key in value) {
    bytes += SLOT + sizeOf((value as Record<string, unknown>)[key], within);
  }
  return bytes;
}

function elements(items: readonly unknown[], within: object[]): number {
  if (items.length <= SAMPLE) {
    return items.reduce<number>((sum, item) => sum + sizeOf(item, within), 0);
  }
  let bytes = 0;
  for (let index = 0; index < SAMPLE; index++) {
    bytes += sizeOf(items[Math.floor((index * items.length) / SAMPLE)], within);
  }
  return Math.ceil((bytes * items.length) / SAMPLE);
}
