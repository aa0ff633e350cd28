/**
 * What do birds cost airlines? Reads 10,000 reports of aircraft that met birds, adds up the damage by
 * kind of bird in today's money, and writes the bills to out/birdstrikes.jsonl. Run it: `npm start`
 *
 * One stage is slow on purpose: its queue fills, the stages before it are held back, and the progress
 * view says by what.
 */
import { relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { inferSchema, initParser } from 'udsv';
import { pipeline } from '../src/index.ts';
import { jsonlSink, readJsonl, readLines, showProgress } from '../src/node/index.ts';

const INPUT = new URL('../node_modules/vega-datasets/data/birdstrikes.csv', import.meta.url);
const OUTPUT = new URL('../out/birdstrikes.jsonl', import.meta.url);

/** What is used of a report: the file has more columns. */
interface Report {
  readonly 'Flight Date': string;
  readonly 'Wildlife Species': string;
  readonly 'Cost Total $': string;
}

interface Bill {
  readonly species: string;
  readonly strikes: number;
  readonly dollars: number;
}

const header = await firstOf(readLines(INPUT));

/** CSV to objects, block by block: any library will do that can parse a text. */
function parse(lines: readonly string[]): Report[] {
  const csv = [header, ...lines].join('\n');
  return initParser(inferSchema(csv)).stringObjs(csv) as unknown as Report[];
}

function isKnown({ 'Wildlife Species': species }: Report): boolean {
  return !species.startsWith('Unknown');
}

/** US consumer prices from 1990 on, and those of 2024. */
const PRICES = [
  130.7, 136.2, 140.3, 144.5, 148.2, 152.4, 156.9, 160.5, 163, 166.6, 172.2, 177.1, 179.9,
];
const PRICES_OF_2024 = 313.7;

/** The slow stage: it waits as if it asked a price service on the network. */
async function toBills(reports: readonly Report[]): Promise<Bill[]> {
  await sleep(100);
  return reports.map((report) => {
    const prices = PRICES[Number.parseInt(report['Flight Date']) - 1990] ?? PRICES_OF_2024;
    const dollars = (Number(report['Cost Total $']) * PRICES_OF_2024) / prices;
    return { species: report['Wildlife Species'], strikes: 1, dollars };
  });
}

/** One bill for each species. It adds up bills of single strikes, and sums of them alike. */
function addUp(bills: readonly Bill[]): Bill[] {
  const sums = new Map<string, Bill>();
  for (const { species, strikes, dollars } of bills) {
    const sum = sums.get(species) ?? { species, strikes: 0, dollars: 0 };
    sums.set(species, {
      species,
      strikes: sum.strikes + strikes,
      dollars: sum.dollars + dollars,
    });
  }
  return [...sums.values()].sort((a, b) => b.dollars - a.dollars);
}

const flow = pipeline('birdstrikes')
  .from(readLines(INPUT), { name: 'read', rowsPerBlock: 128 })
  .filter((line) => line !== header, { name: 'withoutHeader' })
  .mapBlocks(parse)
  .filter(isKnown)
  .mapBlocks(toBills, { resources: { calls: 1 }, retries: 2 })
  .mapBlocks(addUp)
  .batch({ rows: 1_000_000 }, { name: 'gather' })
  .mapBlocks(addUp, { name: 'addUpAll' })
  .to(jsonlSink(OUTPUT), { name: 'write' });

// The service takes two calls at a time: a resource like any other.
const run = flow.start({ budget: { calls: 2 } });
showProgress(run);
const report = await run.done;

const read = report.operators['read']?.rowsOut ?? 0;
const written = report.operators['write']?.rowsIn ?? 0;
console.log(`
Read ${String(read)} lines of ${pathOf(INPUT)},
wrote ${String(written)} bills to ${pathOf(OUTPUT)}. The dearest birds, in dollars of 2024:
`);
let place = 0;
for await (const { species, strikes, dollars } of readJsonl<Bill>(OUTPUT)) {
  if (++place > 5) break;
  const cost = Math.round(dollars).toLocaleString('en-US').padStart(12);
  console.log(`${cost}  ${species}, ${String(strikes)} strikes`);
}
console.log(`
Where the time went:
- ${run.explain('toBills').text}
- ${run.explain('isKnown').text}`);

function pathOf(url: URL): string {
  return relative(process.cwd(), fileURLToPath(url));
}

async function firstOf<T>(rows: AsyncIterable<T>): Promise<T | undefined> {
  for await (const row of rows) return row;
  return undefined;
}
