/** What transforms return and yield, checked: it is the user's code. */

/** @throws TypeError when it is not an array. */
export function checkRows(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError(
    `the transform yielded ${typeName(value)}; it must yield arrays of rows, or blocks`,
  );
}

export function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  const { constructor } = value as { readonly constructor?: { readonly name: string } };
  return constructor === undefined ? 'an object' : `an object (${constructor.name})`;
}
