/**
 * The block store: where the rows of a run live, once, under counted references. A block goes when its
 * last holder lets go; nothing waits for the garbage collector. With a `Spill`, blocks that nobody uses
 * leave memory while there is too much in it, and come back when somebody asks.
 */
import type { BlockRef } from '../machines/block.ts';
import { describe } from '../machines/errors.ts';
import { noSpill, type SpillReport } from '../machines/hands.protocol.ts';
import type { Block } from './block.ts';
import type { BlockStore } from './block-store.types.ts';
import { ColumnBlock } from './columns/column-block.ts';
import { fingerprint } from './fingerprint.ts';
import { createIdTable } from './id-table.ts';
import { createIdleBlocks } from './idle-blocks.ts';
import { createLender } from './lender.ts';
import { originOf, replaceLost, type LostBlock } from './lost-block.ts';
import type { Remake } from './origin.ts';
import type { Spill } from './spill.ts';
import { createStoreAccount, type Charged } from './store-account.ts';
import { notInMemory, notThere } from './store-errors.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface Entry extends Charged, LostBlock {
  readonly id: number;
  readonly lineage: string;
  /** Undefined while it is spilled. */
  block: Block<unknown> | undefined;
  holders: number;
  /** It has, or had, several holders since it is in memory. */
  wasShared: boolean;
  /** Holders that have loaded it. */
  inUse: number;
  writing: boolean;
  /** Bytes it takes outside of memory; 0 when it is not there. */
  diskBytes: number;
  /** It is of a kind that cannot be spilled. */
  mustStay: boolean;
  /** It is being brought back. */
  loading: Promise<Block<unknown>> | undefined;
  fingerprint: number;
  /** Ends the making of it. */
  remaking: AbortController | undefined;
}

export interface BlockStoreOptions {
  readonly spill: Spill;
  /** What may be in memory, by the run's budget. */
  readonly blockBytes: number;
  /** Makes blocks again that were lost where they were spilled to. Default: they stay lost. */
  readonly remake?: Remake;
}

/** Blocks that are written at a time: more do not make a disk faster. */
const WRITES_AT_ONCE = 2;
/** After a failure nothing is written until so many blocks have been put or released. */
const PAUSE_CHANGES = 100;

export function createBlockStore(options?: BlockStoreOptions): BlockStore {
  const spill = options?.spill;
  const remake = options?.remake;
  const account = createStoreAccount();
  let blockBytes = options?.blockBytes ?? Infinity;
  const highWater = (): number => spill?.highWater ?? blockBytes / 2;
  const entries = createIdTable<Entry>();
  const idle = createIdleBlocks<Entry>();
  const lender = createLender();
  let nextId = 1;
  let diskBytes = 0;
  /** Bytes outside of memory that are promised to blocks being written. */
  let promisedBytes = 0;
  /** Blocks that are not in memory. */
  const away = { blocks: 0, bytes: 0 };
  let writingBytes = 0;
  let pause = 0;
  const counts: Mutable<SpillReport> = { ...noSpill };
  let cleared = false;
  /** Once nothing more will come: resolves when nothing is needed from outside of memory. */
  let closing: { readonly closed: Promise<void>; readonly onHome: () => void } | undefined;
  const watchers = new Set<(id: number) => void>();

  function find(ref: BlockRef): Entry {
    const entry = entries.get(ref.id);
    if (entry === undefined) throw notThere(ref);
    return entry;
  }

  /** Notes whether a block may be spilled, after anything about it has changed. */
  function sort(entry: Entry): void {
    if (spill === undefined) return;
    const { block, inUse, writing, mustStay, sizeBytes, id } = entry;
    const isIdle = block !== undefined && inUse === 0 && !writing && !mustStay && sizeBytes > 0;
    if (isIdle && entries.get(id) === entry) idle.add(entry);
    else idle.remove(entry);
  }

  /** Spills the blocks that are needed last, until there is little enough in memory. */
  function relieve(): void {
    if (spill === undefined || pause > 0 || closing !== undefined) return;
    while (account.bytes() - writingBytes > highWater()) {
      const coldest = idle.coldest();
      if (coldest === undefined) return;
      if (coldest.diskBytes > 0) {
        evict(coldest);
        continue;
      }
      const room = Math.min(spill.maxBytes - diskBytes - promisedBytes, roomFor(coldest));
      if (counts.writing >= WRITES_AT_ONCE || room < coldest.sizeBytes) return;
      void write(spill, coldest, room);
    }
  }

  function unload(entry: Entry): void {
    lender.letGo(entry.block);
    entry.block = undefined;
  }

  /** Lets go of the copy in memory. */
  function evict(entry: Entry): void {
    unload(entry);
    away.blocks += 1;
    away.bytes += entry.sizeBytes;
    sort(entry);
    account.charge(entry, false);
  }

  /** It is in memory again, or gone for good. */
  function leaveAway(entry: Entry): void {
    away.blocks -= 1;
    away.bytes -= entry.sizeBytes;
    checkHome();
  }

  async function write({ write, remove }: Spill, entry: Entry, room: number): Promise<void> {
    const { id, block, sizeBytes } = entry;
    if (block === undefined) return;
    const giveBack = lender.hold(block);
    entry.writing = true;
    sort(entry);
    counts.writing += 1;
    writingBytes += sizeBytes;
    promisedBytes += room;
    let written: number | undefined;
    try {
      if (entry.origin !== undefined) entry.fingerprint = fingerprint(block);
      written = await write(id, block, room);
      if (written === undefined) entry.mustStay = true;
    } catch (error) {
      note(error);
      pause = PAUSE_CHANGES;
    }
    giveBack();
    counts.writing -= 1;
    writingBytes -= sizeBytes;
    promisedBytes -= room;
    entry.writing = false;
    if (written !== undefined) {
      counts.written += 1;
      counts.writtenBytes += sizeBytes;
      entry.diskBytes = written;
      diskBytes += written;
    }
    // Somebody may have let go of it meanwhile, or have begun to use it.
    if (entries.get(id) !== entry) forget(entry, remove);
    else if (written !== undefined && entry.inUse === 0) evict(entry);
    else sort(entry);
    relieve();
    // Whoever waits for room looks again, even if there is none.
    account.announce();
    checkHome();
  }

  function forget(entry: Entry, remove: Spill['remove']): void {
    if (entry.diskBytes === 0) return;
    diskBytes -= entry.diskBytes;
    entry.diskBytes = 0;
    remove(entry.id);
  }

  async function restore(from: Spill, entry: Entry): Promise<Block<unknown>> {
    account.charge(entry, true);
    relieve();
    try {
      const block = await fetch(from, entry);
      if (entries.get(entry.id) !== entry) throw notThere(entry);
      entry.block = block;
      // Nobody has seen this copy.
      entry.wasShared = entry.holders > 1;
      leaveAway(entry);
      sort(entry);
      return block;
    } catch (error) {
      if (entries.get(entry.id) !== entry) throw notThere(entry);
      account.charge(entry, false);
      throw error;
    } finally {
      entry.loading = undefined;
    }
  }

  async function fetch({ read }: Spill, entry: Entry): Promise<Block<unknown>> {
    try {
      const block = await read(entry.id);
      counts.restored += 1;
      return block;
    } catch (lost) {
      if (entries.get(entry.id) !== entry) throw lost;
      note(lost);
      entry.remaking = new AbortController();
      const block = await replaceLost(entry, lost, remake, entry.remaking.signal);
      counts.remade += 1;
      // What is on disk is of no use any more, and its name is taken.
      entry.mustStay = true;
      return block;
    } finally {
      entry.remaking = undefined;
    }
  }

  function note(error: unknown): void {
    counts.failed += 1;
    counts.lastError = describe(error);
  }

  function drop(entry: Entry): void {
    entries.delete(entry.id);
    entry.remaking?.abort(notThere(entry));
    for (const watcher of watchers) watcher(entry.id);
    if (entry.block === undefined) leaveAway(entry);
    unload(entry);
    sort(entry);
    account.charge(entry, false);
    if (spill !== undefined) forget(entry, spill.remove);
  }

  function checkHome(): void {
    if (away.blocks === 0 && counts.writing === 0) closing?.onHome();
  }

  return {
    put(block, lineage, producer, made) {
      const id = nextId++;
      const { numRows, sizeBytes } = block;
      const entry: Entry = {
        id,
        lineage,
        producer,
        sizeBytes,
        block,
        holders: 1,
        wasShared: false,
        inUse: 0,
        // What is put is charged already, to the credit it was made on.
        isCharged: true,
        writing: false,
        diskBytes: 0,
        mustStay: false,
        loading: undefined,
        origin: remake && originOf(block, producer, made, ({ id }) => entries.get(id)?.origin),
        fingerprint: 0,
        remaking: undefined,
      };
      entries.add(id, entry);
      account.add(entry);
      if (pause > 0) pause -= 1;
      sort(entry);
      if (account.bytes() > highWater()) relieve();
      return { id, lineage, producer, numRows, sizeBytes };
    },
    get(ref) {
      const { block } = find(ref);
      if (block !== undefined) return block;
      throw notInMemory(ref);
    },
    load(ref) {
      const entry = find(ref);
      entry.inUse = Math.min(entry.inUse + 1, entry.holders);
      sort(entry);
      if (entry.block !== undefined) return entry.block;
      // Without a spill every block is in memory.
      if (spill === undefined) throw notThere(ref);
      entry.loading ??= restore(spill, entry);
      return entry.loading;
    },
    isShared: (ref) => find(ref).wasShared,
    lend: (ref) => lender.lend(find(ref)),
    retain(ref, holders = 1) {
      const entry = find(ref);
      entry.holders += holders;
      entry.wasShared = true;
    },
    extend(ref) {
      find(ref).holders += 1;
    },
    release(ref) {
      if (cleared) return;
      const entry = find(ref);
      entry.holders -= 1;
      entry.inUse = Math.max(0, entry.inUse - 1);
      if (pause > 0) pause -= 1;
      if (entry.holders === 0) drop(entry);
      else sort(entry);
      if (account.bytes() > highWater()) relieve();
    },
    spend(ref) {
      if (cleared) return;
      const { block, wasShared, writing } = find(ref);
      if (block instanceof ColumnBlock && !wasShared && !writing) block.free();
    },
    setLimit(limit) {
      blockBytes = limit;
      relieve();
    },
    clear() {
      cleared = true;
      entries.items().forEach(drop);
      account.reset();
    },
    close() {
      if (closing === undefined) {
        let onHome = (): void => undefined;
        const home = new Promise<void>((resolve) => {
          onHome = resolve;
        });
        closing = { closed: home.then(() => spill?.close()), onHome };
        checkHome();
      }
      return closing.closed;
    },
    takeReleased: account.takeReleased,
    onReleased: account.onReleased,
    watchFreed(listener) {
      watchers.add(listener);
      return () => {
        watchers.delete(listener);
      };
    },
    spillReport: () => ({ ...counts }),
    get usage() {
      return {
        blocks: entries.size,
        bytes: account.bytes(),
        peakBytes: account.peakBytes(),
        largestBytes: account.largestBytes(),
        slabBytes: lender.bytes(),
        spill: { ...away, diskBytes, ...counts },
      };
    },
  };
}

/** Bytes a block may take outside of memory: as many as in memory, or somewhat more. */
function roomFor({ sizeBytes }: Entry): number {
  return 2 * sizeBytes + 4096;
}
