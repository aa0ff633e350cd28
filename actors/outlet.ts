/**
 * The outlet: where blocks leave a run. Its consumer pulls; what it is ready to take is told to the
 * supervisor in advance as demand, so that deliveries come in batches.
 */
import type { BlockRef } from '../machines/block.ts';
import type { DeadLetter, OutletEvent } from '../machines/hands.protocol.ts';
import type { SupervisorEvent } from '../machines/supervisor/supervisor.protocol.ts';
import type { Block } from './block.ts';
import type { BlockStore } from './block-store.types.ts';
import type { Env } from './env.ts';

/** Blocks a consumer has delivered in advance: few while it is slow, many when it is fast. */
const MIN_WINDOW = 4;
const MAX_WINDOW = 256;
/** What is delivered in advance should keep the consumer busy for so many milliseconds. */
const AHEAD_MS = 4;

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
  readonly isClosed: () => boolean;
  /** Whether nothing is left that was delivered and not taken. */
  readonly isEmpty: () => boolean;
  /** The consumer lets a block go that it took. */
  readonly release: (ref: BlockRef) => void;
  /**
   * The next ref, whose block is in memory and which is the consumer's to release; undefined when there
   * will be none. A promise only if that takes time.
   * @throws StoreError when its block cannot be brought back; it is let go of then.
   */
  readonly take: () => MaybePromise<BlockRef | undefined>;
  /** The run does not end before this is over: a dead letter that is being handled elsewhere. */
  readonly await: (burial: Promise<void>) => void;
  /** Lets go of what was delivered and not taken. */
  readonly abandon: () => void;
  /** Why blocks were let go of that the consumer of a run that was closing might have taken. */
  readonly leftBehind: () => { readonly reason: unknown } | undefined;
  /** Whether something is being handed out that the run waits for. */
  readonly isBusy: () => boolean;
}

type MaybePromise<T> = T | Promise<T>;

export interface OutletTools {
  readonly env: Env;
  readonly store: BlockStore;
  readonly send: (event: SupervisorEvent) => void;
  /** Handles a block that was given up; its input is let go of when this is over. Never throws. */
  readonly onDeadLetter: (letter: DeadLetter) => void | Promise<void>;
}

export function createOutlet({ env, store, send, onDeadLetter }: OutletTools): Outlet {
  let delivered: BlockRef[] = [];
  let next = 0;
  /** Blocks the consumer has taken and not let go of. */
  let inHand = 0;
  let consumption: Consumption | undefined;
  /** Blocks delivered or on demand that the consumer may not have asked for yet. */
  let window = MIN_WINDOW;
  let onDemand = 0;
  let taken = 0;
  let demandedAt = 0;
  let started = false;
  let announced = false;
  let closed = false;
  /** Dead letters that are being handled. */
  const burials = new Set<Promise<void>>();
  let pushing = false;
  let onPushed: () => void = () => undefined;
  /** Blocks that are being brought back for the consumer. */
  let returning = 0;
  let leftBehind: { readonly reason: unknown } | undefined;
  let onHurried: () => void = () => undefined;
  /** Dead letters are not waited for any more. */
  const hurried = new Promise<void>((resolve) => {
    onHurried = resolve;
  });
  let onAbandoned: () => void = () => undefined;
  /** Nothing that was delivered is wanted any more: the run has failed, or was cancelled. */
  const abandoned = new Promise<undefined>((resolve) => {
    onAbandoned = () => {
      resolve(undefined);
    };
  });
  let waiting: ((ref: BlockRef | undefined) => void)[] = [];

  function deliver(refs: readonly BlockRef[]): void {
    if (consumption?.kind === 'drain') refs.forEach(store.release);
    else delivered.push(...refs);
    if (consumption?.kind === 'push') void pushOut(consumption.push);
    while (waiting.length > 0 && next < delivered.length) waiting.shift()?.(pull());
  }

  /** Pushes out all that was delivered, in order, one call at a time. */
  async function pushOut(push: (ref: BlockRef) => void): Promise<void> {
    if (pushing) return;
    pushing = true;
    for (let ref = pull(); ref !== undefined; ref = pull()) {
      const loaded = store.load(ref);
      if (loaded instanceof Promise) {
        returning += 1;
        const isThere = await loaded.then(
          () => true,
          (reason: unknown) => {
            send({ type: 'run.cancel', reason });
            return false;
          },
        );
        returning -= 1;
        if (isThere) push(ref);
      } else push(ref);
      letGo(ref);
    }
    pushing = false;
    onPushed();
  }

  /** A block for a consumer that waits: brought back first, if need be. */
  function hand(ref: BlockRef | undefined): MaybePromise<BlockRef | undefined> {
    if (ref === undefined) return undefined;
    try {
      const loaded = store.load(ref);
      return loaded instanceof Promise ? bringBack(ref, loaded) : ref;
    } catch (error) {
      letGo(ref);
      throw error;
    }
  }

  async function bringBack(
    ref: BlockRef,
    loaded: Promise<Block<unknown>>,
  ): Promise<BlockRef | undefined> {
    returning += 1;
    try {
      if ((await Promise.race([loaded, abandoned])) !== undefined) return ref;
    } catch (error) {
      letGo(ref);
      throw error;
    } finally {
      returning -= 1;
    }
    letGo(ref);
    return undefined;
  }

  function letGo(ref: BlockRef): void {
    store.release(ref);
    inHand -= 1;
  }

  function pull(): BlockRef | undefined {
    const ref = delivered[next];
    if (ref === undefined) return undefined;
    next += 1;
    inHand += 1;
    if (next === delivered.length) {
      delivered = [];
      next = 0;
    }
    askForMore();
    return ref;
  }

  /** Half a window was taken: the next demand follows from how long that took. */
  function askForMore(): void {
    taken += 1;
    onDemand -= 1;
    if (closed || onDemand > window / 2) return;
    const now = env.now();
    const blockMs = (now - demandedAt) / taken;
    window = Math.max(MIN_WINDOW, Math.min(MAX_WINDOW, 2 * window, Math.floor(AHEAD_MS / blockMs)));
    demand(window - onDemand);
  }

  function demand(blocks: number): void {
    if (blocks <= 0) return;
    taken = 0;
    demandedAt = env.now();
    onDemand += blocks;
    send({ type: 'consumer.demand', blocks });
  }

  function abandon(): void {
    delivered.slice(next).forEach(store.release);
    delivered = [];
    next = 0;
  }

  /** Asks for the first blocks, as soon as there is somebody to ask and somebody to ask for. */
  function askForFirst(): void {
    if (!started || closed || consumption === undefined) return;
    demand(consumption.kind === 'drain' ? Number.MAX_SAFE_INTEGER : window);
  }

  /** Tells the supervisor that the consumer waits or has less to do, once until it has asked. */
  function announce(): void {
    if (announced || closed) return;
    announced = true;
    send({ type: 'outlet.changed' });
  }

  /** Resolves when nothing is left that is being pushed out. */
  function pushed(): Promise<void> {
    if (!pushing) return Promise.resolve();
    return new Promise((resolve) => {
      onPushed = resolve;
    });
  }

  function trackBurial(burial: Promise<void>): void {
    burials.add(burial);
    void burial.then(() => {
      burials.delete(burial);
      announce();
    });
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
        case 'outlet.poll':
          announced = false;
          event.replyTo.send({
            type: 'outlet.report',
            held: delivered.length - next + inHand,
            burying: burials.size,
            waits: waiting.length > 0 || (consumption !== undefined && consumption.kind !== 'pull'),
          });
          break;
        case 'outlet.deliver':
          deliver(event.refs);
          break;
        case 'outlet.deadLetter':
          trackBurial(bury(event.letter));
          break;
        case 'outlet.close':
          if (closed) break;
          closed = true;
          if (event.outcome !== 'done') {
            abandon();
            onAbandoned();
          }
          for (const resolve of waiting.splice(0)) resolve(undefined);
          // Whoever cancels does not wait for what becomes of the dead.
          if (event.outcome === 'cancelled') onHurried();
          void Promise.all([
            Promise.race([Promise.all(burials), hurried]),
            event.outcome === 'cancelled' ? undefined : pushed(),
          ]).then(() => {
            event.replyTo?.send({ type: 'outlet.closed' });
          });
          break;
        case 'outlet.abandon': {
          const blocks = delivered.length - next + returning;
          if (blocks > 0) leftBehind ??= { reason: event.reason };
          abandon();
          onAbandoned();
          onHurried();
          event.replyTo?.send({ type: 'outlet.abandoned', blocks, reason: event.reason });
          break;
        }
      }
    },
    consume(chosen) {
      if (consumption !== undefined) return;
      consumption = chosen;
      askForFirst();
    },
    release: letGo,
    isClosed: () => closed,
    isEmpty: () => next === delivered.length,
    get isConsumed() {
      return consumption !== undefined;
    },
    take() {
      if (next < delivered.length) return hand(pull());
      if (closed) return undefined;
      announce();
      const taken = new Promise<BlockRef | undefined>((resolve) => {
        waiting = [...waiting, resolve];
      });
      return taken.then(hand);
    },
    await: trackBurial,
    abandon,
    leftBehind: () => leftBehind,
    isBusy: () => pushing || burials.size > 0,
  };
}
