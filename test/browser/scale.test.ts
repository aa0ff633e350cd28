/** Much of everything: an hour of recording, fifty operators, and how much JavaScript it takes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pipeline, type Flow } from '../../src/index.ts';
import type { SimEnv } from '../../src/testing.ts';
import { BUILT_PAGE } from './support/build-page.ts';
import { launchBrowser } from './support/chromium.ts';
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

/** Two stages whose tasks take so long. */
function slow(taskMs: number, blocks: number): (env: SimEnv) => Flow<number> {
  return (env) => {
    const work = async (rows: readonly number[]): Promise<readonly number[]> => {
      await env.sleep(taskMs);
      return rows;
    };
    return pipeline('an-hour')
      .from(
        Array.from({ length: blocks }, (_, row) => row),
        { rowsPerBlock: 1 },
      )
      .mapBlocks(work, { name: 'first', maxConcurrency: 2 })
      .mapBlocks(work, { name: 'second', maxConcurrency: 2 });
  };
}

test('an hour of recording is opened, and travelled through', async () => {
  const recording = await record(slow(9000, 800), { budget: { cpu: 8 } });
  const served = await servePage(recording);
  const { page, end } = await visit(browser, served.url);
  await page.locator('.card[data-operator="second"]').waitFor();
  await page
    .getByText(/^1:00:0\d\.\d$/)
    .first()
    .waitFor();
  await page.getByRole('slider', { name: 'Moment of the run' }).fill('1800000');
  await page.getByText('viewing 30:00.0').waitFor();
  await page.locator('.card[data-operator="first"] text', { hasText: '2/2 tasks' }).waitFor();
  await page.keyboard.press('4');
  await page.locator('canvas.gantt').waitFor();
  await page.keyboard.press('5');
  await page.locator('[data-chart="queues"] canvas').waitFor();
  await page.keyboard.press('6');
  await page.getByRole('row').nth(5).waitFor();
  await end();
  await served.close();
});

test('fifty operators are drawn in rows that can be read', async () => {
  const recording = await record(
    (env) => {
      let flow: Flow<number> = pipeline('fifty').from(
        Array.from({ length: 200 }, (_, row) => row),
        { rowsPerBlock: 1 },
      );
      for (let stage = 1; stage < 50; stage += 1) {
        flow = flow.mapBlocks(
          async (rows) => {
            await env.sleep(20);
            return rows;
          },
          { name: `stage ${String(stage)}` },
        );
      }
      return flow;
    },
    { budget: { cpu: 64 } },
    1500,
  );
  const served = await servePage(recording);
  const { page, end } = await visit(browser, served.url);
  await page.locator('.card').first().waitFor();
  expect(await page.locator('.card').count()).toBe(50);
  const rows = await page
    .locator('.card')
    .evaluateAll(
      (cards) => new Set(cards.map((card) => Math.round(card.getBoundingClientRect().y))).size,
    );
  expect(rows).toBeGreaterThan(3);
  await end();
  await served.close();
});

test('the page takes at most 150 kB of JavaScript, compressed, besides the layout worker', () => {
  const scripts = readdirSync(BUILT_PAGE).filter((name) => name.endsWith('.js'));
  expect(scripts.sort()).toEqual(['elk-worker.min.js', 'inspector.js', 'page.js']);
  const ours = scripts.filter((name) => name !== 'elk-worker.min.js');
  const sizes = ours.map(
    (name) => gzipSync(readFileSync(join(BUILT_PAGE, name)), { level: 9 }).length,
  );
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(150_000);
});

test('the layout worker is the published file, unchanged', () => {
  const published = new URL('../../node_modules/elkjs/lib/elk-worker.min.js', import.meta.url);
  expect(readFileSync(join(BUILT_PAGE, 'elk-worker.min.js')).equals(readFileSync(published))).toBe(
    true,
  );
});
