/**
 * Found, not told: five pipelines with a fault, under way, and somebody who knows nothing of it. From the home
 * screen it takes three clicks at most to the text that names the cause.
 */
import { setTimeout } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Flow, StartOptions } from '../../src/index.ts';
import { startInspector } from '../../src/inspect/server/index.ts';
import { simEnv, type SimEnv } from '../../src/testing.ts';
import { BUILT_PAGE } from './support/build-page.ts';
import { launchBrowser } from './support/chromium.ts';
import {
  deafConsumer,
  poisonBlock,
  skewedFanIn,
  slowStage,
  tightBudget,
} from './support/faulty.ts';
import { record } from './support/recordings.ts';
import { servePage } from './support/serve.ts';
import { visit } from './support/visit.ts';

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser.close();
});

/** Somebody with a mouse, who counts what they click. */
interface Person {
  readonly page: Page;
  readonly click: (name: RegExp) => Promise<void>;
  /** What the bar at the top says limits the run. */
  readonly why: () => Promise<string>;
  /** The text of the detail that is open. */
  readonly detail: () => Promise<string>;
}

/**
 * Looks at a run under way. Its time is virtual and passes when the walk says so: what is seen is the same on every
 * machine, however slow the browser is. Its events, the server, the socket and the page are as they always are.
 */
async function lookAtLive(
  make: (env: SimEnv) => Flow<unknown>,
  options: StartOptions,
  walk: (person: Person, pass: (ms: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  const env = simEnv(7);
  const run = make(env).start({ ...options, env });
  const drained = run.drain().catch(() => undefined);
  const inspector = await startInspector({ ui: BUILT_PAGE });
  await lookAt(inspector.inspect(run), async (person) => {
    await person.page.getByText('● live').waitFor();
    await env.advance(3000);
    await walk(person, (ms) => env.advance(ms));
    expect(run.snapshot().state).not.toBe('done');
  });
  await env.drive(run.cancel('seen'));
  await env.drive(drained);
  await inspector.close();
}

async function lookAt(url: string, walk: (person: Person) => Promise<void>): Promise<void> {
  const { page, end } = await visit(browser, url);
  let clicks = 0;
  await page.locator('.card').first().waitFor();
  await walk({
    page,
    async click(name) {
      clicks += 1;
      await page.getByRole('button', { name }).first().click();
    },
    why: () => page.getByRole('region', { name: 'What limits the run' }).innerText(),
    detail: () => page.getByRole('complementary').innerText(),
  });
  expect(clicks).toBeLessThanOrEqual(3);
  await end();
}

test('a stage ten times slower than the rest', async () => {
  const walk = async ({ page, click, why, detail }: Person): Promise<void> => {
    await expect.poll(why).toMatch(/geocode limits the run: all 2 tasks it may have are busy/);
    await click(/^Show geocode$/);
    await expect.poll(detail).toMatch(/running (9\d|100) %/);
    await expect.poll(detail).toMatch(/p50 100 ms/);
    await click(/^Tasks$/);
    await page.locator('canvas.gantt').waitFor();
  };
  await lookAtLive(slowStage, { budget: { cpu: 8 } }, walk);
  // The same walk through a recording of it.
  const served = await servePage(await record(slowStage, { budget: { cpu: 8 } }, 3000));
  await lookAt(served.url, walk);
  await served.close();
});

test('a budget of tokens too small for the last stage', async () => {
  await lookAtLive(
    tightBudget,
    { budget: { cpu: 16, gpu: 4 } },
    async ({ page, click, why, detail }) => {
      await expect.poll(why).toMatch(/rank limits the run: waiting for gpu \(needs 3, 1 free\)/);
      await click(/^Show rank$/);
      await expect.poll(detail).toMatch(/asks for 3, 1 free/);
      await expect.poll(detail).toMatch(/needs\s+cpu 1, gpu 3 a task/);
      const gauge = page.getByRole('meter', { name: 'gpu' });
      expect(await gauge.getAttribute('aria-valuetext')).toBe('3/4');
    },
  );
});

test('a poison block that is retried for ever', async () => {
  await lookAtLive(poisonBlock, { budget: { cpu: 8 } }, async ({ click, why, detail }, pass) => {
    await expect.poll(why).toMatch(/price keeps failing on block 0\.38\.0.*row 777 has no price/);
    await click(/^Show price$/);
    const attempts = async (): Promise<number> =>
      Number(/Block 0\.38\.0 keeps failing: (\d+) attempts/.exec(await detail())?.[1] ?? 0);
    await expect.poll(attempts).toBeGreaterThan(3);
    const before = await attempts();
    await pass(4000);
    await expect.poll(attempts).toBeGreaterThan(before);
    await expect.poll(detail).toMatch(/retried, block 0\.38\.0, attempt \d+: row 777 has no price/);
  });
});

test('a consumer that stopped reading', async () => {
  // In real time: nothing happens in it any more, and time goes on all the same.
  const run = deafConsumer({ sleep: setTimeout }).start({ budget: { cpu: 8 } });
  const blocks = run.blocks();
  for (let taken = 0; taken < 10; taken += 1) await blocks.next();
  const inspector = await startInspector({ ui: BUILT_PAGE });
  await lookAt(inspector.inspect(run), async ({ page, click, why, detail }) => {
    await expect.poll(why).toMatch(/the consumer limits the run: it has not asked for more/);
    await click(/^Show format$/);
    await expect.poll(detail).toMatch(/Waits for the consumer to take more for /);
    await expect.poll(detail).toMatch(/nobody takes the outputs that are there/);
    await expect.poll(detail).toMatch(/take more for [1-9]\d*\.\d s/);
    await page.getByRole('img', { name: /^consumer, has got \d+ rows$/ }).waitFor();
  });
  await run.cancel('seen');
  await inspector.close();
});

test('a fan-in whose one side is twenty times as slow', async () => {
  await lookAtLive(skewedFanIn, { budget: { cpu: 8 } }, async ({ click, why, detail }, pass) => {
    await expect.poll(why).toMatch(/zip waits for input 2 \(prices\)/);
    await click(/^Show prices$/);
    await expect.poll(detail).toMatch(/p50 200 ms/);
    await pass(50);
    await click(/^zip, /);
    // What happens at one moment may come in two messages: what is seen between them passes.
    await expect
      .poll(detail)
      .toMatch(/input 1\s+\d+ blocks from orders\s+input 2\s+0 blocks from prices/);
  });
});
