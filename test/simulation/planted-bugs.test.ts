/**
 * The checks can fail: every planted bug is found by the simulation, and the same seeds find nothing
 * without it.
 */
import { expect, test } from 'vitest';
import { bundle, runSeeds } from './plant.ts';
import { PLANTED_HAND_BUGS } from './planted-hand-bugs.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';

/** Further seeds to try, for when a change of the engine or of the cases has shifted what shows. */
const FURTHER_SEEDS = 400;

const seedsOfCatches = new Set<number>();

const bugs = [...PLANTED_BUGS, ...PLANTED_HAND_BUGS];

test.each(bugs.map((bug) => [bug.name, bug] as const))('found: %s', async (_, bug) => {
  const { from, ...patch } = bug;
  const script = await bundle(patch);
  const seeds = Array.from({ length: FURTHER_SEEDS }, (_, index) => from + index);
  const caught = await runSeeds(script, seeds);
  expect(caught, `no seed from ${String(from)} on shows it`).toBeDefined();
  if (caught !== undefined) seedsOfCatches.add(caught.seed);
});

test('without a bug, nothing is found with the same seeds', async () => {
  expect(seedsOfCatches.size).toBeGreaterThan(10);
  expect(await runSeeds(await bundle(), [...seedsOfCatches])).toBeUndefined();
});

test('a patch that fits nowhere, or twice, is refused', async () => {
  const file = 'machines/queue.ts';
  await expect(bundle({ file, find: 'nowhere', replace: '' })).rejects.toThrow(/has 0 times/);
  await expect(bundle({ file, find: 'queue', replace: '' })).rejects.toThrow(/has \d\d+ times/);
});
