/** The account of the bytes that the blocks of a store take in memory, and of who is told of it. */

/** A block in the account. */
export interface Charged {
  readonly producer: number;
  readonly sizeBytes: number;
  /** Its bytes are charged: it is in memory, or on its way there. */
  isCharged: boolean;
}

export interface StoreAccount {
  /** Counts a block that is charged already, to the credit it was made on. */
  readonly add: (block: Charged) => void;
  /** Charges the bytes of a block to its producer, or takes the charge back. */
  readonly charge: (block: Charged, isCharged: boolean) => void;
  /** Tells whoever waits for room, once until `takeReleased` is called. */
  readonly announce: () => void;
  readonly onReleased: (callback: () => void) => void;
  readonly takeReleased: () => ReadonlyMap<number, number>;
  /** Forgets what was released: nobody will ask. */
  readonly reset: () => void;
  readonly bytes: () => number;
  readonly peakBytes: () => number;
  readonly largestBytes: () => number;
}

export function createStoreAccount(): StoreAccount {
  let released = new Map<number, number>();
  let bytes = 0;
  let peakBytes = 0;
  let largestBytes = 0;
  let notify: () => void = () => undefined;
  let notified = false;

  function grow(more: number): void {
    bytes += more;
    if (bytes > peakBytes) peakBytes = bytes;
  }

  function announce(): void {
    if (notified) return;
    notified = true;
    notify();
  }

  return {
    add({ sizeBytes }) {
      grow(sizeBytes);
      if (sizeBytes > largestBytes) largestBytes = sizeBytes;
    },
    charge(block, isCharged) {
      if (block.isCharged === isCharged) return;
      block.isCharged = isCharged;
      const { sizeBytes, producer } = block;
      const more = isCharged ? sizeBytes : -sizeBytes;
      grow(more);
      if (producer < 0 || sizeBytes === 0) return;
      released.set(producer, (released.get(producer) ?? 0) - more);
      if (!isCharged) announce();
    },
    announce,
    onReleased(callback) {
      notify = callback;
    },
    takeReleased() {
      const taken = released;
      released = new Map();
      notified = false;
      return taken;
    },
    reset() {
      released = new Map();
    },
    bytes: () => bytes,
    peakBytes: () => peakBytes,
    largestBytes: () => largestBytes,
  };
}
