/**
 * How smoothly the inspector's page goes: operators each of which ends ten tasks a second, in a headless
 * browser without a graphics card: frames a second, how busy the main thread is, long tasks, for each tab.
 * And how long the timeline takes to draw ten thousand bars.
 * Run it: `npm run bench:page`, or of some tabs: `npm run bench:page -- Metrics Timeline`
 */
import { loadavg } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { startInspector } from '../src/inspect/server/index.ts';
import { percentiles } from '../src/run-model/percentile.ts';
import { pipeline, type Flow, type Run } from '../src/index.ts';
import { BUILT_PAGE, setup } from '../test/browser/support/build-page.ts';
import { launchBrowser } from '../test/browser/support/chromium.ts';
import { record } from '../test/browser/support/recordings.ts';
import { servePage } from '../test/browser/support/serve.ts';
import { digits, printTable } from './harness/table.ts';

const WATCHED_MS = 6000;
const OPERATORS = [10, 50];
/** Each operator ends a task so often. */
const TASK_MS = 100;
const TABS = ['Pipeline', 'Actors', 'Messages', 'Timeline', 'Metrics', 'Events', 'Runs'];
const BARS = 10_000;
const REDRAWS = 200;

interface Watched {
  readonly framesPerSecond: number;
  /** Of the time, the main thread worked so much; waiting for a processor that others have counts, too. */
  readonly busyPercent: number;
  /** The same without that waiting. */
  readonly processorPercent: number;
  readonly longTasks: number;
}

interface Measured extends Watched {
  readonly tab: string;
  readonly operators: number;
  /** Tasks an operator behind the source ended in a second, on average. */
  readonly changes: number;
  readonly load: number;
}

/** A chain in which every operator ends a task each `TASK_MS`, each at a moment of its own. */
function chain(operators: number): Flow<number> {
  function* rows(): Generator<number> {
    for (let row = 0; ; row += 1) yield row;
  }
  let flow: Flow<number> = pipeline('chain').from(rows(), { rowsPerBlock: 1 });
  for (let stage = 1; stage < operators; stage += 1) {
    const offset = (TASK_MS * stage) / operators;
    flow = flow.mapBlocks(
      async (block) => {
        await sleep(TASK_MS - ((performance.now() - offset) % TASK_MS));
        return block;
      },
      { name: `stage ${String(stage)}`, maxConcurrency: 1 },
    );
  }
  return flow;
}

function tasksDone(run: Run<number>): number {
  return Object.values(run.snapshot().operators).reduce((sum, { done }) => sum + done, 0);
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

/** What the main thread has worked so far, in seconds: by the clock, or (threadTicks) of a processor's time. */
async function workMeter(
  page: Page,
  timeDomain: 'timeTicks' | 'threadTicks',
): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain });
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0;
  };
}

/** Frames and long tasks while the page is watched, and how much its main thread worked. */
async function watch(page: Page): Promise<Watched> {
  const byClock = await workMeter(page, 'timeTicks');
  const ofProcessor = await workMeter(page, 'threadTicks');
  const before = [await byClock(), await ofProcessor()] as const;
  const started = performance.now();
  const { frames, longTasks } = await page.evaluate<{ frames: number; longTasks: number }>(COUNT);
  const elapsed = performance.now() - started;
  return {
    framesPerSecond: (frames * 1000) / elapsed,
    busyPercent: (((await byClock()) - before[0]) * 100_000) / elapsed,
    processorPercent: (((await ofProcessor()) - before[1]) * 100_000) / elapsed,
    longTasks,
  };
}

async function watchTabs(
  browser: Browser,
  operators: number,
  tabs: readonly string[],
): Promise<readonly Measured[]> {
  const run = chain(operators).start({ budget: { cpu: 100 } });
  run.drain().catch(() => undefined);
  const inspector = await startInspector({ ui: BUILT_PAGE });
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 }, locale: 'en-US' });
  await page.goto(inspector.inspect(run));
  const cards = page.locator('.card');
  await cards.nth(operators - 1).waitFor();
  // Until blocks have come to the end of the chain, its last operators do nothing.
  await page
    .locator('.card text', { hasText: /^✓[1-9]/ })
    .nth(operators - 2)
    .waitFor();
  const results: Measured[] = [];
  for (const tab of tabs) {
    await page.keyboard.press(String(TABS.indexOf(tab) + 1));
    await sleep(1500);
    const before = tasksDone(run);
    const started = performance.now();
    const watched = await watch(page);
    const tasks = tasksDone(run) - before;
    const seconds = (performance.now() - started) / 1000;
    const [load = 0] = loadavg();
    results.push({ tab, operators, changes: tasks / (operators - 1) / seconds, ...watched, load });
  }
  await page.close();
  await run.cancel('measured');
  await inspector.close();
  return results;
}

/**
 * Runs in the page. Each turn of the wheel draws at once, and reading a pixel waits until what was drawn
 * is there. From one to the next the view moves by little, and almost all of the bars stay in it.
 */
const REDRAW = `new Promise((resolve) => {
  let canvas;
  const find = (root) => {
    for (const element of root.querySelectorAll('*')) {
      if (element.matches('canvas.gantt')) canvas = element;
      if (element.shadowRoot !== null) find(element.shadowRoot);
    }
  };
  find(document);
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const times = [];
  const draw = () => {
    const deltaY = times.length % 2 === 0 ? -8 : 8;
    const began = performance.now();
    canvas.dispatchEvent(new WheelEvent('wheel', {
      deltaY, clientX: left + width / 2, clientY: top + height / 2, cancelable: true,
    }));
    const commanded = performance.now();
    canvas.getContext('2d').getImageData(0, 0, 1, 1);
    times.push([commanded - began, performance.now() - began]);
    if (times.length < ${String(REDRAWS)}) requestAnimationFrame(draw);
    else resolve(times);
  };
  requestAnimationFrame(draw);
})`;

/** A run of ten operators with four slots each, until so many tasks are over. In virtual time. */
function recordBars(bars: number): Promise<string> {
  return record(
    (env) => {
      const stages = 10;
      const rows = Array.from({ length: Math.ceil(bars / stages) }, (_, row) => row);
      let flow: Flow<number> = pipeline('many bars').from(rows, { rowsPerBlock: 1 });
      for (let stage = 0; stage < stages; stage += 1) {
        flow = flow.mapBlocks(
          async (block) => {
            await env.sleep(20 + ((block[0] ?? 0) % 7) * 10);
            return block;
          },
          { name: `stage ${String(stage)}`, maxConcurrency: 4 },
        );
      }
      return flow;
    },
    { budget: { cpu: 100 } },
  );
}

interface Redrawn {
  readonly what: string;
  readonly p50: number;
  readonly p95: number;
  readonly load: number;
}

async function redraw(browser: Browser): Promise<readonly Redrawn[]> {
  const served = await servePage(await recordBars(BARS));
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 }, locale: 'en-US' });
  await page.goto(`${served.url}?tab=timeline`);
  await page.locator('canvas.gantt').waitFor();
  await sleep(1000);
  const times = await page.evaluate<[number, number][]>(REDRAW);
  await page.close();
  await served.close();
  const [load = 0] = loadavg();
  const row = (what: string, values: readonly number[]): Redrawn => {
    const [p50 = NaN, p95 = NaN] = percentiles(values, [50, 95]);
    return { what, p50, p95, load };
  };
  return [
    row(
      'to draw',
      times.map(([commanded]) => commanded),
    ),
    row(
      'until it is there',
      times.map(([, drawn]) => drawn),
    ),
  ];
}

const asked = process.argv.slice(2);
const tabs = TABS.filter((tab) => asked.length === 0 || asked.includes(tab));
await setup();
const browser = await launchBrowser();
const results: Measured[] = [];
for (const operators of OPERATORS) results.push(...(await watchTabs(browser, operators, tabs)));
const redrawn = tabs.includes('Timeline') ? await redraw(browser) : [];
await browser.close();

printTable(
  'The page of the inspector, live',
  [
    { title: 'operators', cell: ({ operators }) => String(operators) },
    { title: 'tab', cell: ({ tab }) => tab, align: 'left' },
    { title: 'tasks/s each', cell: ({ changes }) => changes.toFixed(1) },
    { title: 'frames/s', cell: ({ framesPerSecond }) => framesPerSecond.toFixed(0) },
    { title: 'main thread busy', cell: ({ busyPercent }) => `${busyPercent.toFixed(0)} %` },
    { title: 'of a core', cell: ({ processorPercent }) => `${processorPercent.toFixed(0)} %` },
    { title: 'tasks over 50 ms', cell: ({ longTasks }) => String(longTasks) },
    { title: 'load', cell: ({ load }) => load.toFixed(1) },
  ],
  results,
);
if (redrawn.length > 0) {
  printTable(
    `The timeline, ${String(BARS)} bars, ms`,
    [
      { title: 'time', cell: ({ what }) => what, align: 'left' },
      { title: 'p50', cell: ({ p50 }) => digits(p50) },
      { title: 'p95', cell: ({ p95 }) => digits(p95) },
      { title: 'load', cell: ({ load }) => load.toFixed(1) },
    ],
    redrawn,
  );
}
