/**
 * Keeps transforms apart. Rows that somebody else will see, another branch of the pipeline or another
 * attempt at the same block, are frozen before they are handed out: a transform that changes them
 * throws, instead of changing what the others get.
 */

/** Nesting deeper than this is left as it is. */
const MAX_DEPTH = 16;

/** What is frozen through and through. A value may be frozen, and what is in it not. */
const done = new WeakSet<object>();

/** Freezes rows and the plain objects and arrays in them. Other objects are the user's own affair. */
export function freezeRows(rows: readonly unknown[]): void {
  freeze(rows, 0);
}

function freeze(value: unknown, depth: number): void {
  if (!isPlain(value) || done.has(value) || depth > MAX_DEPTH) return;
  done.add(Object.freeze(value));
  for (const inner of Array.isArray(value) ? value : Object.values(value)) freeze(inner, depth + 1);
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
