/**
 * Which buffers in some rows can be moved to another thread instead of being copied: those that a
 * typed array in the rows covers from end to end. Small ones are copied, which costs less than moving.
 */

/** Bytes from which on moving is the cheaper way. */
const MIN_BYTES = 16 * 1024;
/** Nesting deeper than this is left to be copied. */
const MAX_DEPTH = 8;

export function movableBuffers(rows: readonly unknown[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const row of rows) collect(row, buffers, MIN_BYTES, 0);
  return [...buffers];
}

/** All buffers in some rows, be they small, or seen in part. */
export function buffersIn(rows: readonly unknown[]): ReadonlySet<ArrayBuffer> {
  const buffers = new Set<ArrayBuffer>();
  for (const row of rows) collect(row, buffers, 0, 0);
  return buffers;
}

/** @param minBytes of a buffer that counts; 0: any does, even one of which only a part is seen. */
function collect(value: unknown, buffers: Set<ArrayBuffer>, minBytes: number, depth: number): void {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return;
  if (value instanceof ArrayBuffer) {
    if (value.byteLength >= minBytes) buffers.add(value);
    return;
  }
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteLength } = value;
    if (!(buffer instanceof ArrayBuffer) || byteLength < minBytes) return;
    // A view of a part shares the rest with somebody: Node's small buffers all lie in one pool.
    if (minBytes === 0 || buffer.byteLength === byteLength) buffers.add(buffer);
    return;
  }
  if (Array.isArray(value)) {
    for (const item of value) collect(item, buffers, minBytes, depth + 1);
  } else if (value instanceof Map || value instanceof Set) {
    for (const item of value.values()) collect(item, buffers, minBytes, depth + 1);
  } else if (isPlain(value)) {
    for (const item of Object.values(value)) collect(item, buffers, minBytes, depth + 1);
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
