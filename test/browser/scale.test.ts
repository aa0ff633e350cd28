/** Much of everything: an hour of recording, fifty operators, and how much JavaScript it takes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pipeline, type Flow } from '../../src/index.ts';
import type { SimEnv } from '../../src/testing.ts';
import { BUILT_PAGE } from './support/build-page.ts';
import { launchBrowser } from './support/chromium.ts';
import { record } from './support/recordings.ts';
import { servePage } from './support/serve.ts';
import { violations } from './support/violations.ts';
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

/** A chain of so many operators, named as given. */
function chain(operators: number, name: (stage: number) => string): (env: SimEnv) => Flow<number> {
  return (env) => {
    let flow: Flow<number> = pipeline('chain').from(
      Array.from({ length: 200 }, (_, row) => row),
      { rowsPerBlock: 1 },
    );
    for (let stage = 1; stage < operators; stage += 1) {
      flow = flow.mapBlocks(
        async (rows) => {
          await env.sleep(20);
          return rows;
        },
        { name: name(stage) },
      );
    }
    return flow;
  };
}

test('fifty operators are drawn in rows that can be read', async () => {
  const recording = await record(
    chain(50, (stage) => `stage ${String(stage)}`),
    { budget: { cpu: 64 } },
    300,
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
  // No name has a slash in it: there is nothing to fold.
  expect(await page.getByRole('button', { name: 'Fold groups' }).count()).toBe(0);
  await end();
  await served.close();
});

test('far more are seen from far away without words, and from near with them', async () => {
  const recording = await record(
    chain(125, (stage) => `stage ${String(stage)}`),
    { budget: { cpu: 64 } },
    200,
  );
  const served = await servePage(recording);
  const { page, end } = await visit(browser, served.url);
  const far = page.locator('[data-detail="low"]');
  await far.waitFor();
  const graph = page.getByRole('img', { name: /^Operators of the pipeline, too many for words: / });
  await graph.waitFor();
  expect(await graph.getAttribute('aria-label')).toMatch(/\d+ running.*T shows them as a table/);
  expect(await page.locator('.card').count()).toBe(0);
  expect(await violations(page)).toEqual([]);

  // What runs is in its colour, and what is clicked is shown.
  const { x, y } = await boxInColour(page, 'running');
  const { x: left = 0, y: top = 0 } = (await page.locator('canvas.overview').boundingBox()) ?? {};
  await page.mouse.click(left + x + 3, top + y + 3);
  await expect.poll(() => page.url()).toMatch(/sel=operator/);
  await page.keyboard.press('Escape');

  // The table says the same, and keys alone lead to the detail.
  await page.keyboard.press('t');
  const table = page.getByRole('table', { name: 'Operators of the pipeline' });
  await expect.poll(() => table.getByRole('row').count()).toBe(126);
  await table.getByRole('button', { name: 'stage 110', exact: true }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'stage 110' }).waitFor();
  await page.keyboard.press('t');
  await far.waitFor();
  while ((await page.locator('[data-detail="full"]').count()) === 0) await page.keyboard.press('+');
  await page.locator('.card[data-operator="stage 110"].selected').waitFor();
  await page.getByRole('group', { name: 'Operators of the pipeline' }).waitFor();
  await page.keyboard.press('f');
  await far.waitFor();
  expect(await page.locator('.card').first().isVisible()).toBe(false);
  await end();
  await served.close();
});

test('groups of operators are folded into one box each, and unfolded again', async () => {
  const recording = await record(
    chain(130, (stage) => `part ${String(Math.ceil(stage / 13))}/stage ${String(stage)}`),
    { budget: { cpu: 64 } },
    200,
  );
  const served = await servePage(recording);
  const { page, end } = await visit(browser, served.url);
  // So many are seen by their parts first: ten groups and the source.
  const cards = page.locator('.card');
  await page.getByText('10 groups of operators, 10 folded').waitFor();
  await cards.first().waitFor();
  expect(await cards.count()).toBe(11);
  expect(await violations(page)).toEqual([]);
  const group = page.getByRole('button', { name: /^part 2, group of 13 operators, / });
  await group.focus();
  await page.keyboard.press('Enter');
  await page.locator('.card[data-operator="part 2/stage 20"]').waitFor();
  await page.getByText('10 groups of operators, 9 folded').waitFor();
  expect(await cards.count()).toBe(23);
  await page.getByRole('button', { name: 'Unfold groups' }).click();
  await page.locator('[data-detail="low"]').waitFor();
  await page.getByRole('button', { name: 'Fold groups', exact: true }).click();
  await expect.poll(() => cards.count()).toBe(11);
  // The table has all of them all the time.
  await page.keyboard.press('t');
  const table = page.getByRole('table', { name: 'Operators of the pipeline' });
  await expect.poll(() => table.getByRole('row').count()).toBe(131);
  await end();
  await served.close();
});

/** The upper left corner of a box of the overview that has the border colour of a state. */
async function boxInColour(page: Page, state: string): Promise<{ x: number; y: number }> {
  const found = await page.locator('canvas.overview').evaluate((element, look) => {
    const canvas = element as HTMLCanvasElement;
    const wanted = getComputedStyle(canvas).getPropertyValue(`--state-${look}`).trim();
    const { data } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? {
      data: [],
    };
    for (let pixel = 0; pixel < data.length; pixel += 4) {
      const hex = [0, 1, 2].map((part) => (data[pixel + part] ?? 0).toString(16).padStart(2, '0'));
      if (`#${hex.join('')}` !== wanted) continue;
      const place = pixel / 4;
      return { x: place % canvas.width, y: Math.floor(place / canvas.width) };
    }
    return undefined;
  }, state);
  if (found === undefined) throw new Error(`nothing in the overview is ${state}`);
  return found;
}

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
