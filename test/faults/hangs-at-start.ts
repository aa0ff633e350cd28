/** A module that is never loaded. */
await new Promise(() => undefined);

export function works(rows: readonly number[]): number[] {
  return [...rows];
}
