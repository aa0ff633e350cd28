/** Every tab, in both themes: what it shows, its table, and what a checker of accessibility says of it. */
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser } from './support/chromium.ts';
import { ORDERS_BUDGET, orders, record } from './support/recordings.ts';
import { servePage, type Served } from './support/serve.ts';
import { visit } from './support/visit.ts';

let browser: Browser;
let served: Served;

beforeAll(async () => {
  const recording = await record(orders, { budget: ORDERS_BUDGET }, 2600);
  [browser, served] = await Promise.all([launchBrowser(), servePage(recording)]);
});

afterAll(async () => {
  await browser.close();
  await served.close();
});

/** What must be seen in a tab before it is judged. */
const TABS: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  pipeline: async (page) => {
    await page.locator('.card[data-operator="enrich"]').waitFor();
    await expect.poll(() => page.locator('.card').count()).toBe(4);
    await page.getByText('limits the run').first().waitFor();
  },
  actors: async (page) => {
    await page.locator('[data-state="running.polling"]').waitFor();
    await page.getByRole('button', { name: 'enrich running' }).waitFor();
  },
  messages: async (page) => {
    await page.locator('.message').first().waitFor();
  },
  timeline: async (page) => {
    await page.locator('canvas.gantt').waitFor();
    // It is not only there: bars are on it.
    await expect.poll(() => runningPixels(page)).toBeGreaterThan(1000);
  },
  metrics: async (page) => {
    await page.locator('[data-chart="throughput"] canvas').waitFor();
  },
  events: async (page) => {
    await page.getByRole('row').nth(5).waitFor();
  },
  runs: async (page) => {
    await page.getByText('Open a recording').first().waitFor();
  },
};

/** Pixels of the timeline in the colour of what runs. */
function runningPixels(page: Page): Promise<number> {
  return page.locator('canvas.gantt').evaluate((element) => {
    const canvas = element as HTMLCanvasElement;
    const wanted = getComputedStyle(canvas).getPropertyValue('--state-running').trim();
    const pen = canvas.getContext('2d');
    const { data } = pen?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
    let found = 0;
    for (let pixel = 0; pixel < data.length; pixel += 4) {
      const colour = [0, 1, 2].map((part) =>
        (data[pixel + part] ?? 0).toString(16).padStart(2, '0'),
      );
      if (`#${colour.join('')}` === wanted) found += 1;
    }
    return found;
  });
}

/** Which table says what the drawing shows: a caption, and a cell that must be in it. */
const TABLES: Readonly<Record<string, readonly [string, string]>> = {
  pipeline: ['Operators of the pipeline', 'enrich'],
  actors: ['States of orders', 'running.polling'],
  messages: ['Messages, the newest first', 'operator.poll'],
  timeline: ['Tasks, the newest first', 'enrich #'],
  metrics: ['Samples, the newest first', '00:0'],
};

describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
  test.each(Object.keys(TABS))('the tab %s is shown, and is accessible', async (tab) => {
    const { page, end } = await visit(browser, `${served.url}?tab=${tab}`, { theme });
    await TABS[tab]?.(page);
    expect(await violations(page)).toEqual([]);
    await end();
  });
});

test.each(Object.entries(TABLES))('T shows %s as a table', async (tab, [caption, cell]) => {
  const { page, end } = await visit(browser, `${served.url}?tab=${tab}`);
  await TABS[tab]?.(page);
  await page.keyboard.press('t');
  const table = page.getByRole('table', { name: caption });
  await table.waitFor();
  await table.getByText(cell).first().waitFor();
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press('t');
  await expect.poll(() => table.count()).toBe(0);
  await end();
});

test('a chart says what is under the pointer; a range is dragged, and a moment picked', async () => {
  const { page, end } = await visit(browser, `${served.url}?tab=metrics`);
  const chart = page.locator('[data-chart="durations"] canvas');
  await chart.waitFor();
  const { x = 0, y = 0, width = 0, height = 0 } = (await chart.boundingBox()) ?? {};
  const middle = y + height / 2;
  await page.mouse.move(x + width / 2, y + 12);
  await page.locator('.plot-note', { hasText: /^00:01\.\d · enrich p\d\d · 40 ms$/ }).waitFor();
  // One cursor for all charts.
  await expect.poll(() => page.locator('.plot-cursor:visible').count()).toBe(7);
  await page.mouse.move(x + width * 0.4, middle);
  await page.mouse.down();
  await page.mouse.move(x + width * 0.8, middle, { steps: 4 });
  await page.mouse.up();
  await expect.poll(() => page.url()).toMatch(/range=\d+-\d+/);
  const [, from = '', to = ''] = /range=(\d+)-(\d+)/.exec(page.url()) ?? [];
  expect(Number(to) - Number(from)).toBeGreaterThan(800);
  await page.mouse.dblclick(x + width / 2, middle);
  await expect.poll(() => Number(new URL(page.url()).searchParams.get('t'))).toBeGreaterThan(+from);
  await end();
});

test('colours forced by the system leave glyphs, words and borders', async () => {
  const { page, end } = await visit(browser, served.url, { forcedColors: true });
  await TABS['pipeline']?.(page);
  const card = page.locator('.card[data-operator="enrich"]');
  await expect.poll(() => card.locator('.card-state').textContent()).toBe('running');
  await expect.poll(() => card.locator('.card-glyph').textContent()).toBe('▶');
  await end();
});

test('the page goes by a screen of 1024 pixels without anything out of reach', async () => {
  const { page, end } = await visit(browser, served.url, { width: 1024, height: 700 });
  await TABS['pipeline']?.(page);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(wide).toBe(false);
  await end();
});

async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const checker = (window as unknown as { axe: typeof axe }).axe;
    return (await checker.run(document)).violations;
  });
  return found.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}
