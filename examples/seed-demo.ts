/**
 * The smallest pipeline that shows the engine at work: two operators, four blocks, 100 ms a task, room
 * for three tasks at once. Prints what happens as it happens. Run it: `npx tsx examples/seed-demo.ts`
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { pipeline, type Run, type RunEvent } from '../src/index.ts';

const INPUT = [
  [1, 2, 3],
  [4, 5, 6],
  [7, 8, 9],
  [10, 11, 12],
];

async function multiplyBy2(rows: readonly number[]): Promise<number[]> {
  await sleep(100);
  return rows.map((x) => x * 2);
}

async function add10(rows: readonly number[]): Promise<number[]> {
  await sleep(100);
  return rows.map((x) => x + 10);
}

const demo = pipeline('demo')
  .fromBlocks(INPUT)
  .mapBlocks(multiplyBy2, {
    name: 'MultiplyOperator',
    resources: { cpu: 1, memory: 1000 },
    maxConcurrency: 2,
  })
  .mapBlocks(add10, {
    name: 'AddOperator',
    resources: { cpu: 1, memory: 1000 },
    maxConcurrency: 2,
  });

let status = '';
const run: Run<number> = demo.start({ budget: { cpu: 3, memory: 3000 }, onEvent: tell });

const blocks: { lineage: string; rows: readonly number[] }[] = [];
for await (const { lineage, rows } of run.blocks()) blocks.push({ lineage, rows });
await run.done;
tellStatus();

// Blocks come as they are made; their lineage says where they belong.
blocks.sort((a, b) => a.lineage.localeCompare(b.lineage, 'en', { numeric: true }));
for (const [index, { rows }] of blocks.entries()) {
  console.log(`Block ${String(index)}: [${rows.join(', ')}]`);
}

const expected = INPUT.map((rows) => rows.map((x) => 2 * x + 10));
if (JSON.stringify(blocks.map(({ rows }) => rows)) !== JSON.stringify(expected)) {
  console.error(`Wrong: expected ${JSON.stringify(expected)}`);
  process.exitCode = 1;
}

function tell(event: RunEvent): void {
  // The supervisor has gone through a cycle: as soon as its dispatches have arrived, tell what changed.
  if (event.type === 'state.entered' && event.state === 'running.waiting') setImmediate(tellStatus);
  if (!('operator' in event) || event.operator === 'source') return;
  const { type, operator } = event;
  if (type === 'task.started') console.log(`Dispatch: ${operator} +1`);
  if (type === 'block.produced') console.log(`[${operator}] #${String(event.task)} yield`);
  if (type === 'task.ended') console.log(`[${operator}] #${String(event.task)} done`);
}

function tellStatus(): void {
  const now = run.status();
  if (now !== status) console.log(`Status: ${now}`);
  status = now;
}
