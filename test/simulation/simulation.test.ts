/**
 * Thousands of random runs on the real charts and actors, in virtual time, with all invariants checked
 * after every event. `npm run simulate -- --seeds N --from S` runs more, or one again.
 */
import { expect, test } from 'vitest';
import { simulate } from './simulate.ts';

const SEEDS = Number(process.env['SIMULATION_SEEDS'] ?? 2000);
/** Two runs of one day need not be the same: CI says where to begin, and so does whoever replays. */
const FROM = Number(process.env['SIMULATION_FROM'] ?? 1);

/** What every batch must have come across at least once: else it is too weak to prove anything. */
const RARE = [
  'bit flipped',
  'block given up',
  'budget',
  'budget refused',
  'bytes overdrawn',
  'cancel',
  'cancel within resource.request',
  'cancelled before it began',
  'consumer left',
  'corrupt block found',
  'damaged, and nothing may be lost',
  'dead letter',
  'denied blockBytes',
  'denied cpu',
  'denied memory',
  'disk full',
  'held after',
  'held before',
  'later errors',
  'liveness grant',
  'made again',
  'over budget',
  'output lost on disk',
  'parked for order',
  'pause',
  'queue over its limit',
  'rate denied',
  'refilled',
  'restart limit',
  'restored',
  'retried',
  'retried after a yield',
  'spilled',
  'step',
  'stopped',
  'stopped early',
  'task cancelled',
  'task failed',
  'timed out',
  'torn write',
  'worker lost',
  'zombie',
];

test(
  `${String(SEEDS)} seeds from ${String(FROM)} keep every invariant, and come across every rare event`,
  { timeout: 600_000 },
  async () => {
    const seen = new Map<string, number>();
    const failures: string[] = [];
    for (let seed = FROM; seed < FROM + SEEDS; seed++) {
      try {
        const outcome = await simulate(seed);
        for (const what of [...outcome.seen, outcome.status]) {
          seen.set(what, (seen.get(what) ?? 0) + 1);
        }
      } catch (error) {
        const replay = `npm run simulate -- --seeds 1 --from ${String(seed)}`;
        failures.push(`seed ${String(seed)}: ${String(error)} (replay: ${replay})`);
      }
    }
    expect(failures).toEqual([]);
    for (const status of ['done', 'failed', 'cancelled', 'stalled', ...RARE]) {
      expect(seen.get(status) ?? 0, `"${status}" has never been the case`).toBeGreaterThan(0);
    }
  },
);

test('the same seed gives the same run, event for event', { timeout: 120_000 }, async () => {
  for (let seed = FROM; seed < FROM + 100; seed++) {
    const [first, second] = [await simulate(seed, true), await simulate(seed, true)];
    expect(second.hash).toBe(first.hash);
  }
});
