/**
 * How smoothly the inspector's page goes: fifty operators that end five tasks a second, in a headless
 * browser without a graphics card: frames a second, how busy the main thread is, long tasks.
 * Run it: `npm run bench:page`
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { startInspector } from '../src/inspect/server/index.ts';
import { pipeline, type Flow } from '../src/index.ts';
import { BUILT_PAGE, setup } from '../test/browser/support/build-page.ts';
import { launchBrowser } from '../test/browser/support/chromium.ts';
import { printTable } from './harness/table.ts';

const WATCHED_MS = 6000;
const OPERATORS = [10, 50];

interface Measured {
  readonly tab: string;
  readonly operators: number;
  readonly framesPerSecond: number;
  readonly busyPercent: number;
  readonly longTasks: number;
}

/** A chain in which every operator ends about five tasks a second, and changes twice for each. */
function chain(operators: number): Flow<number> {
  function* rows(): Generator<number> {
    for (let row = 0; ; row += 1) yield row;
  }
  let flow: Flow<number> = pipeline('chain').from(rows(), { rowsPerBlock: 1 });
  for (let stage = 1; stage < operators; stage += 1) {
    flow = flow.mapBlocks(
      async (block) => {
        await sleep(200);
        return block;
      },
      { name: `stage ${String(stage)}`, maxConcurrency: 1 },
    );
  }
  return flow;
}

/** Runs in the page. As text: what compiles this file would add names that the page does not know. */
const COUNT = `new Promise((resolve) => {
  let frames = 0;
  let longTasks = 0;
  new PerformanceObserver((list) => { longTasks += list.getEntries().length; })
    .observe({ entryTypes: ['longtask'] });
  const end = performance.now() + ${String(WATCHED_MS)};
  const count = (now) => {
    frames += 1;
    if (now < end) requestAnimationFrame(count);
    else resolve({ frames, longTasks });
  };
  requestAnimationFrame(count);
})`;

/** Frames and long tasks while the page is watched, and the time its main thread worked. */
async function watch(page: Page): Promise<Omit<Measured, 'tab' | 'operators'>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const taskSeconds = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0;
  };
  const before = await taskSeconds();
  const started = performance.now();
  const { frames, longTasks } = await page.evaluate<{ frames: number; longTasks: number }>(COUNT);
  const elapsed = performance.now() - started;
  const busy = (await taskSeconds()) - before;
  return {
    framesPerSecond: (frames * 1000) / elapsed,
    busyPercent: (busy * 100_000) / elapsed,
    longTasks,
  };
}

await setup();
const browser = await launchBrowser();
const results: Measured[] = [];
for (const operators of OPERATORS) {
  const run = chain(operators).start({ budget: { cpu: 100 } });
  run.drain().catch(() => undefined);
  const inspector = await startInspector({ ui: BUILT_PAGE });
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 }, locale: 'en-US' });
  await page.goto(inspector.inspect(run));
  await page
    .locator('.card')
    .nth(operators - 1)
    .waitFor();
  for (const [tab, key] of [
    ['Pipeline', '1'],
    ['Actors', '2'],
    ['Timeline', '4'],
    ['Metrics', '5'],
  ] as const) {
    await page.keyboard.press(key);
    await sleep(1500);
    results.push({ tab, operators, ...(await watch(page)) });
  }
  await page.close();
  await run.cancel('measured');
  await inspector.close();
}
await browser.close();

printTable(
  'The page of the inspector, live',
  [
    { title: 'operators', cell: ({ operators }) => String(operators) },
    { title: 'tab', cell: ({ tab }) => tab, align: 'left' },
    { title: 'frames/s', cell: ({ framesPerSecond }) => framesPerSecond.toFixed(0) },
    { title: 'main thread busy', cell: ({ busyPercent }) => `${busyPercent.toFixed(0)} %` },
    { title: 'tasks over 50 ms', cell: ({ longTasks }) => String(longTasks) },
  ],
  results,
);
