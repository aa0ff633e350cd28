/** The blocks that wait in memory and are used by nobody, and which of them is needed last. */

/** What has to be known of a block. */
export interface IdleBlock {
  readonly producer: number;
  readonly sizeBytes: number;
}

export interface IdleBlocks<B extends IdleBlock> {
  readonly add: (block: B) => void;
  /** Does nothing when it is not there. */
  readonly remove: (block: B) => void;
  /**
   * The block that is needed last, as far as one can tell: queues are first in, first out, so it is the
   * newest of the producer that has the most bytes waiting.
   */
  readonly coldest: () => B | undefined;
}

interface Waiting<B> {
  bytes: number;
  /** In the order they came; those that are gone are skipped, and swept now and then. */
  blocks: B[];
  count: number;
}

export function createIdleBlocks<B extends IdleBlock>(): IdleBlocks<B> {
  const idle = new Set<B>();
  const producers = new Map<number, Waiting<B>>();

  function waitingOf({ producer }: B): Waiting<B> {
    let waiting = producers.get(producer);
    if (waiting === undefined) {
      waiting = { bytes: 0, blocks: [], count: 0 };
      producers.set(producer, waiting);
    }
    return waiting;
  }

  return {
    add(block) {
      if (idle.has(block)) return;
      idle.add(block);
      const waiting = waitingOf(block);
      waiting.blocks.push(block);
      waiting.bytes += block.sizeBytes;
      waiting.count += 1;
    },
    remove(block) {
      if (!idle.delete(block)) return;
      const waiting = waitingOf(block);
      waiting.bytes -= block.sizeBytes;
      waiting.count -= 1;
      if (waiting.blocks.length < 2 * waiting.count + 32) return;
      // A block that was away and came back is there twice: its last place counts.
      waiting.blocks = [...new Set(waiting.blocks.reverse())]
        .filter((one) => idle.has(one))
        .reverse();
    },
    coldest() {
      let most: Waiting<B> | undefined;
      for (const waiting of producers.values()) {
        if (waiting.count > 0 && waiting.bytes > (most?.bytes ?? 0)) most = waiting;
      }
      if (most === undefined) return undefined;
      let newest = most.blocks.at(-1);
      while (newest !== undefined && !idle.has(newest)) {
        most.blocks.pop();
        newest = most.blocks.at(-1);
      }
      return newest;
    },
  };
}
