/**
 * What being watched costs: the same pipeline with nobody looking, with somebody who listens to its
 * events, with a recorder (timeline and model) as the inspector has, and with the model alone. Per event
 * and per block; and what a keyframe costs.
 */
import { performance } from 'node:perf_hooks';
import type { RunEvent } from '../machines/run-event.ts';
import { createTimeline, keyframeOf } from '../src/inspect/timeline.ts';
import { pipeline, type StartOptions } from '../src/index.ts';
import { applyRunEvent, emptyModel } from '../src/run-model/index.ts';

const BLOCKS = 5000;
const ROUNDS = 7;

const blocks = Array.from({ length: BLOCKS }, (_, row) => [row]);

/** Milliseconds of processor time a run takes. Tasks of four blocks: many events, as small runs have. */
async function cpuOf(options: StartOptions): Promise<number> {
  const before = process.cpuUsage();
  await pipeline('watched')
    .fromBlocks(blocks)
    .mapBlocks((rows: number[]) => rows, { name: 'first', input: { blocks: 4 }, resources: {} })
    .mapBlocks((rows: number[]) => rows, { name: 'second', input: { blocks: 4 }, resources: {} })
    .start(options)
    .drain();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

async function measure(make: () => StartOptions): Promise<number> {
  await cpuOf(make());
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await cpuOf(make()));
  return median(rounds);
}

/** Microseconds each of some events takes, the median of several rounds. */
function perEvent(events: readonly RunEvent[], make: () => (event: RunEvent) => void): number {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const take = make();
    const before = performance.now();
    for (const event of events) take(event);
    rounds.push((performance.now() - before) * 1000);
  }
  return median(rounds) / events.length;
}

const events: RunEvent[] = [];
await cpuOf({ onEvent: (event) => events.push(event) });

const alone = await measure(() => ({}));
const listened = await measure(() => ({ onEvent: () => undefined }));
const recorded = await measure(() => ({ onEvent: createTimeline().push }));

const model = emptyModel();
for (const event of events) applyRunEvent(model, event);
const fold = perEvent(events, () => {
  const folded = emptyModel();
  return (event) => {
    applyRunEvent(folded, event);
  };
});
const timeline = perEvent(events, () => createTimeline().push);
const beforeKeyframes = performance.now();
for (let frames = 0; frames < 100; frames++) keyframeOf(model);
const keyframe = (performance.now() - beforeKeyframes) / 100;

const perBlock = (ms: number): string => `${((ms * 1000) / BLOCKS).toFixed(1)} us`;
const each = (ms: number): string => `${(((ms - alone) * 1000) / events.length).toFixed(2)} us`;
console.log(`${String(BLOCKS)} blocks through two operators, ${String(events.length)} events`);
console.log(`nobody looks:             ${perBlock(alone)} a block`);
console.log(`somebody listens:         ${perBlock(listened)} a block, ${each(listened)} an event`);
console.log(`the inspector's recorder: ${perBlock(recorded)} a block, ${each(recorded)} an event`);
console.log(`  of that, the model:     ${fold.toFixed(2)} us an event`);
console.log(`  of that, the timeline:  ${(timeline - fold).toFixed(2)} us an event`);
console.log(`one keyframe:             ${keyframe.toFixed(2)} ms`);
