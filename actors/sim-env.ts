/**
 * The simulated world: virtual time that jumps from event to event, and seeded randomness. The same
 * seed and the same program give the same run, event for event.
 */
import type { Env } from './env.ts';

export interface SimEnv extends Env {
  /** A promise that resolves after `ms` milliseconds of virtual time. */
  readonly sleep: (ms: number) => Promise<void>;
  /**
   * Lets virtual time pass until `work` is settled, and settles as it does.
   * @throws Error when nothing is left that could ever settle it.
   */
  readonly drive: <T>(work: PromiseLike<T>) => Promise<T>;
  /** Lets virtual time pass until nothing is left to do, or so many milliseconds have gone by. */
  readonly advance: (ms?: number) => Promise<void>;
  /** Timers and macrotasks that are waiting. */
  readonly pending: () => number;
}

/** Macrotasks of the real world without any event, after which nothing more is expected. */
const IDLE_MACROTASKS = 20;

interface Happening {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

export interface SimOptions {
  /** Called when something has happened and all that follows from it at once has, too. */
  readonly afterEach?: () => void;
}

export function simEnv(seed = 1, { afterEach }: SimOptions = {}): SimEnv {
  let time = 0;
  let order = 0;
  const random = seededRandom(seed);
  const queue: Happening[] = [];

  /** Keeps the queue sorted: what is due first is last. */
  function schedule(delay: number, callback: () => void): Happening {
    const happening = { at: time + Math.max(0, delay), order: order++, callback };
    let low = 0;
    let high = queue.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = queue[middle];
      if (other !== undefined && isBefore(happening, other)) low = middle + 1;
      else high = middle;
    }
    queue.splice(low, 0, happening);
    return happening;
  }

  /** Lets one thing happen, and all promises that follow from it. False when nothing is left. */
  async function step(until: number): Promise<boolean> {
    const next = queue.at(-1);
    if (next === undefined || next.at > until) return false;
    queue.pop();
    time = next.at;
    next.callback();
    await settle();
    afterEach?.();
    return true;
  }

  return {
    now: () => time,
    random,
    defer: (callback) => {
      schedule(0, callback);
    },
    setTimer(delayMs, callback) {
      const happening = schedule(delayMs, callback);
      return () => {
        const index = queue.indexOf(happening);
        if (index !== -1) queue.splice(index, 1);
      };
    },
    sleep: (ms) =>
      new Promise((resolve) => {
        schedule(ms, resolve);
      }),
    async drive(work) {
      const state = { settled: false };
      const end = (): void => {
        state.settled = true;
      };
      work.then(end, end);
      await settle();
      let idle = 0;
      while (!state.settled) {
        if (await step(Infinity)) {
          idle = 0;
        } else {
          // Not a time-out: with virtual time, nothing left to happen is proof. But streams of the
          // platform take some macrotasks of their own to pass things on.
          if (idle++ > IDLE_MACROTASKS) throw new Error('nothing is left to happen: a deadlock');
          await settle();
        }
      }
      return work;
    },
    async advance(ms = Infinity) {
      const until = time + ms;
      await settle();
      while (await step(until));
      if (Number.isFinite(until)) time = until;
    },
    pending: () => queue.length,
  };
}

/** A macrotask of the real world: when it comes, every promise has been followed to its end. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Mulberry32: small, fast, and good enough to make cases. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
