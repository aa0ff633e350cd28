/** Sets of listeners. */

/** Adds to a set; returns what takes it out again. */
export function added<T>(set: Set<T>, item: T): () => void {
  set.add(item);
  return () => {
    set.delete(item);
  };
}
