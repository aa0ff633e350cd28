/** `npm run simulate -- --seeds N --from S`: runs seeds, one after the other, and prints what it found. */
import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    verbose: { type: 'boolean', default: false },
  },
});
const from = Number(values.from);
const seeds = Number(values.seeds);
const started = performance.now();
const seen = new Map<string, number>();
const statuses = new Map<string, number>();
const failures: number[] = [];
let events = 0;

for (let seed = from; seed < from + seeds; seed++) {
  try {
    const outcome = await simulate(seed, values.verbose);
    events += outcome.events;
    statuses.set(outcome.status, (statuses.get(outcome.status) ?? 0) + 1);
    for (const what of outcome.seen) seen.set(what, (seen.get(what) ?? 0) + 1);
    if (values.verbose) console.log(seed, outcome.status, outcome.events, outcome.hash);
  } catch (error) {
    failures.push(seed);
    console.log(`seed ${String(seed)}: ${error instanceof Error ? error.message : String(error)}`);
    console.log(`  replay: npm run simulate -- --seeds 1 --from ${String(seed)} --verbose`);
    if (seeds === 1) console.error(error);
  }
}

const seconds = (performance.now() - started) / 1000;
console.log(
  `${String(seeds)} seeds in ${seconds.toFixed(1)} s, ${String(events)} events, ${String(failures.length)} failed`,
);
console.log('ends:', Object.fromEntries(statuses));
console.log('seen:', Object.fromEntries([...seen].sort()));
process.exitCode = failures.length === 0 ? 0 : 1;
