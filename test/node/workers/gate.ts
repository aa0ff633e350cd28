/** A gate that worker threads wait at, and a transform that does. */
import { statefulTransform } from '../../../src/workers/stateful-transform.ts';

export interface Gate {
  /** Whether it is open, and how many blocks have come to it. */
  readonly cells: Int32Array;
  readonly open: () => void;
}

export function createGate(): Gate {
  const cells = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  return {
    cells,
    open() {
      Atomics.store(cells, 0, 1);
      Atomics.notify(cells, 0);
    },
  };
}

/** Keeps its thread at the row 0 until the gate is open. */
export const waitsAtGate = statefulTransform({
  setup: (gate: Int32Array) => gate,
  transform: (rows: readonly number[], { state }) => {
    Atomics.add(state, 1, 1);
    if (rows.includes(0)) Atomics.wait(state, 0, 0);
    return rows.map((row) => row * 2);
  },
});
