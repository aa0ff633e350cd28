/** A thread that looks at a few values of each block it is sent, by hand. */
import { parentPort } from 'node:worker_threads';

/** Numbers, or the bytes of texts and where each begins. */
export type RawBlock =
  | { readonly numbers: Float64Array<ArrayBuffer> }
  | { readonly bytes: Uint8Array<ArrayBuffer>; readonly offsets: Int32Array<ArrayBuffer> };

const decoder = new TextDecoder();

parentPort?.on('message', (block: RawBlock) => {
  parentPort?.postMessage('numbers' in block ? (block.numbers[0] ?? 0) : lengthOf(block));
});

function lengthOf({ bytes, offsets }: Extract<RawBlock, { bytes: unknown }>): number {
  let length = 0;
  for (let row = 0; row < offsets.length - 1; row++) {
    length += decoder.decode(bytes.subarray(offsets[row], offsets[row + 1])).length;
  }
  return length;
}
