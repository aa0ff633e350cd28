/** A gate that worker threads wait at, and a transform that does. */
import { statefulTransform } from '../../../src/workers/stateful-transform.ts';

export interface Gate {
  readonly cell: Int32Array;
  readonly open: () => void;
}

export function createGate(): Gate {
  const cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  return {
    cell,
    open() {
      Atomics.store(cell, 0, 1);
      Atomics.notify(cell, 0);
    },
  };
}

/** Keeps its thread at the row 0 until the gate is open. */
export const waitsAtGate = statefulTransform({
  setup: (gate: Int32Array) => gate,
  transform: (rows: readonly number[], { state }) => {
    if (rows.includes(0)) Atomics.wait(state, 0, 0);
    return rows.map((row) => row * 2);
  },
});
