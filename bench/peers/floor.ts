/**
 * The floor: what the same contract costs at least. Queues, a limit for each stage, one budget over
 * all, bounded queues, the most downstream stage first; no library, and nothing else: no retries, no
 * order, no bytes, no cancellation, no metrics.
 */
import type { Job, Peer, Stage } from './peer.ts';

/** Blocks that may wait behind a stage. */
const QUEUE = 8;

interface Station<T> {
  readonly stage: Stage<T>;
  readonly take: () => T[] | undefined;
  readonly outputs: T[][];
  active: number;
}

export const floor: Peer = <T>({ source, stages, sink, budget = Infinity }: Job<T>) =>
  new Promise<void>((resolve, reject) => {
    const input = source[Symbol.iterator]();
    let exhausted = false;
    let take = (): T[] | undefined => {
      if (exhausted) return undefined;
      const step = input.next();
      exhausted = step.done === true;
      return exhausted ? undefined : (step.value as T[]);
    };
    let finished: T[][] = [];
    const stations = stages.map((stage): Station<T> => {
      const outputs: T[][] = [];
      const station = { stage, take, outputs, active: 0 };
      take = () => outputs.shift();
      finished = outputs;
      return station;
    });
    stations.reverse();
    let running = 0;
    let writing = false;

    function pump(): void {
      write();
      for (const station of stations) while (start(station));
      if (exhausted && running === 0 && !writing && finished.length === 0) resolve();
    }

    function start(station: Station<T>): boolean {
      const { stage, outputs } = station;
      const full = station.active >= stage.concurrency || outputs.length >= QUEUE;
      const block = full || running >= budget ? undefined : station.take();
      if (block === undefined) return false;
      station.active += 1;
      running += 1;
      stage.transform(block).then((output) => {
        station.active -= 1;
        running -= 1;
        outputs.push(output);
        pump();
      }, reject);
      return true;
    }

    function write(): void {
      while (!writing && finished.length > 0) {
        const written = sink(finished.shift() ?? []);
        if (written === undefined) continue;
        writing = true;
        written.then(() => {
          writing = false;
          pump();
        }, reject);
      }
    }

    pump();
  });
