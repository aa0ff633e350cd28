/**
 * The raw events of a run, fetched in pages as somebody looks at them. Without a filter a row is an event
 * number; with one, the newest events are searched backwards until enough are found.
 */
import type { RunEvent } from '../../../../machines/run-event.ts';
import type { RunSource } from '../../run-source.ts';

const PAGE = 500;
const SEARCH_PAGE = 2000;
/** A search looks at so many events before it asks whether to go on. */
const SEARCH_MOST = 20_000;
const FOUND_MOST = 500;
const PAGES_KEPT = 40;

export interface EventPages {
  /** The event of a number, if it is here; fetches its page when it is not. */
  readonly get: (seq: number) => RunEvent | undefined;
}

/** Pages of events by number. `onLoad` is called when one has come. */
export function createEventPages(source: RunSource, onLoad: () => void): EventPages {
  const pages = new Map<number, readonly RunEvent[] | 'loading'>();
  return {
    get(seq) {
      const page = Math.floor(seq / PAGE);
      const found = pages.get(page);
      if (found === undefined) {
        pages.set(page, 'loading');
        source.events(page * PAGE, PAGE).then(
          (events) => {
            const [oldest] = pages.keys();
            if (pages.size > PAGES_KEPT && oldest !== undefined) pages.delete(oldest);
            pages.set(
              page,
              events.filter((event) => event.seq < (page + 1) * PAGE),
            );
            onLoad();
          },
          () => pages.delete(page),
        );
        return undefined;
      }
      if (found === 'loading') return undefined;
      const event = found.find((candidate) => candidate.seq === seq);
      // The newest page has grown since it was fetched.
      if (event === undefined && found.length < PAGE) pages.delete(page);
      return event;
    },
  };
}

export interface Search {
  readonly found: readonly RunEvent[];
  /** Where to go on; undefined: everything has been looked at. */
  readonly next: number | undefined;
}

/** Searches backwards from an event number; the newest come first. */
export async function searchEvents(
  source: RunSource,
  matches: (event: RunEvent) => boolean,
  from: number,
): Promise<Search> {
  const { firstSeq } = source.range;
  const found: RunEvent[] = [];
  let end = from;
  let looked = 0;
  while (end >= firstSeq && looked < SEARCH_MOST && found.length < FOUND_MOST) {
    const begin = Math.max(firstSeq, end - SEARCH_PAGE + 1);
    const events = await source.events(begin, end - begin + 1);
    for (const event of [...events].reverse()) {
      if (event.seq <= end && event.seq >= begin && matches(event)) found.push(event);
    }
    looked += end - begin + 1;
    end = begin - 1;
  }
  return { found, next: end >= firstSeq ? end : undefined };
}
