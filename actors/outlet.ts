/**
 * The outlet: where blocks leave a run. Its consumer pulls; what it is ready to take is told to the
 * supervisor in advance as demand, so that deliveries come in batches.
 */
import type { BlockRef } from '../machines/block.ts';
import type { DeadLetter, OutletEvent } from '../machines/hands.protocol.ts';
import type { SupervisorEvent } from '../machines/supervisor/supervisor.protocol.ts';
import type { BlockStore } from './block-store.ts';

/** Blocks a consumer has delivered in advance at most. */
export const DEMAND_WINDOW = 64;

/** What becomes of the blocks that leave the run. */
export type Consumption =
  /** Somebody takes them one by one with `take`. */
  | { readonly kind: 'pull' }
  /** Nobody wants them: they are let go of at once. */
  | { readonly kind: 'drain' }
  /** They are handed to a function, and let go of when it returns. */
  | { readonly kind: 'push'; readonly push: (ref: BlockRef) => void };

export interface Outlet {
  /** The run has begun: from now on demand can be told. */
  readonly start: () => void;
  /** What the outlet actor is told. */
  readonly receive: (event: OutletEvent) => void;
  /** Says how the blocks are consumed. Only the first call counts: a run has one consumer. */
  readonly consume: (consumption: Consumption) => void;
  readonly isConsumed: boolean;
  /** The next ref, which is the consumer's to release; undefined when there will be none. */
  readonly take: () => Promise<BlockRef | undefined>;
  /** Lets go of what was delivered and not taken. */
  readonly abandon: () => void;
}

export interface OutletTools {
  readonly store: BlockStore;
  readonly send: (event: SupervisorEvent) => void;
  /** Handles a block that was given up; its input is let go of when this is over. Never throws. */
  readonly onDeadLetter: (letter: DeadLetter) => void | Promise<void>;
}

export function createOutlet({ store, send, onDeadLetter }: OutletTools): Outlet {
  let delivered: BlockRef[] = [];
  let next = 0;
  let consumption: Consumption | undefined;
  let takenSinceDemand = 0;
  let started = false;
  let closed = false;
  let waiting: ((ref: BlockRef | undefined) => void)[] = [];

  function deliver(refs: readonly BlockRef[]): void {
    if (consumption?.kind === 'drain') refs.forEach(store.release);
    else if (consumption?.kind === 'push') refs.forEach(pushOut);
    else delivered.push(...refs);
    while (waiting.length > 0 && next < delivered.length) waiting.shift()?.(pull());
  }

  function pushOut(ref: BlockRef): void {
    if (consumption?.kind === 'push') consumption.push(ref);
    store.release(ref);
    askForMore();
  }

  function pull(): BlockRef | undefined {
    const ref = delivered[next];
    next += 1;
    if (next === delivered.length) {
      delivered = [];
      next = 0;
    }
    askForMore();
    return ref;
  }

  function askForMore(): void {
    takenSinceDemand += 1;
    if (closed || takenSinceDemand < DEMAND_WINDOW / 2) return;
    send({ type: 'consumer.demand', blocks: takenSinceDemand });
    takenSinceDemand = 0;
  }

  function abandon(): void {
    delivered.slice(next).forEach(store.release);
    delivered = [];
    next = 0;
  }

  /** Asks for the first blocks, as soon as there is somebody to ask and somebody to ask for. */
  function askForFirst(): void {
    if (!started || closed || consumption === undefined) return;
    const blocks = consumption.kind === 'drain' ? Number.MAX_SAFE_INTEGER : DEMAND_WINDOW;
    send({ type: 'consumer.demand', blocks });
  }

  async function bury(letter: DeadLetter): Promise<void> {
    try {
      await onDeadLetter(letter);
    } finally {
      store.release(letter.input);
    }
  }

  return {
    start() {
      started = true;
      askForFirst();
    },
    receive(event) {
      switch (event.type) {
        case 'outlet.deliver':
          deliver(event.refs);
          break;
        case 'outlet.deadLetter':
          void bury(event.letter);
          break;
        case 'outlet.close':
          closed = true;
          if (event.outcome !== 'done') abandon();
          for (const resolve of waiting.splice(0)) resolve(undefined);
          break;
      }
    },
    consume(chosen) {
      if (consumption !== undefined) return;
      consumption = chosen;
      askForFirst();
    },
    get isConsumed() {
      return consumption !== undefined;
    },
    take() {
      if (next < delivered.length) return Promise.resolve(pull());
      if (closed) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        waiting = [...waiting, resolve];
      });
    },
    abandon,
  };
}
