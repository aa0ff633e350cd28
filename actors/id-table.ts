/**
 * A map for ids that are given out in order and mostly gone soon, as those of blocks are: an array for
 * every 256 of them. In a `Map` that is in use for long, V8 keeps whatever was in it at each of its
 * growths until the next collection of the whole heap, for an old table points at the one that follows.
 */

const PAGE = 256;

export interface IdTable<T> {
  readonly size: number;
  readonly get: (id: number) => T | undefined;
  /** Puts an item in, under an id that has none. */
  readonly add: (id: number, item: T) => void;
  readonly delete: (id: number) => void;
  /** The items, in the order of their ids. */
  readonly items: () => T[];
}

interface Page<T> {
  readonly items: (T | undefined)[];
  count: number;
}

export function createIdTable<T>(): IdTable<T> {
  const pages = new Map<number, Page<T>>();
  let size = 0;
  /** The page that was used last. */
  let lastNumber = -1;
  let last: Page<T> | undefined;

  function pageOf(id: number): Page<T> | undefined {
    const number = Math.floor(id / PAGE);
    if (number !== lastNumber) {
      lastNumber = number;
      last = pages.get(number);
    }
    return last;
  }

  return {
    get size() {
      return size;
    },
    get: (id) => pageOf(id)?.items[id % PAGE],
    add(id, item) {
      let page = pageOf(id);
      if (page === undefined) {
        page = { items: Array.from({ length: PAGE }, () => undefined), count: 0 };
        pages.set(lastNumber, page);
        last = page;
      }
      page.items[id % PAGE] = item;
      page.count += 1;
      size += 1;
    },
    delete(id) {
      const page = pageOf(id);
      if (page?.items[id % PAGE] === undefined) return;
      page.items[id % PAGE] = undefined;
      page.count -= 1;
      size -= 1;
      if (page.count > 0) return;
      pages.delete(lastNumber);
      last = undefined;
    },
    items() {
      const numbers = [...pages.keys()].sort((a, b) => a - b);
      return numbers.flatMap((number) =>
        (pages.get(number)?.items ?? []).filter((item) => item !== undefined),
      );
    },
  };
}
