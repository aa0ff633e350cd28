/**
 * Takes the pictures of docs/inspector.md, of runs recorded in virtual time: `npm run docs:screenshots`
 * makes them anew, the same ones.
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { setup } from '../test/browser/support/build-page.ts';
import { launchBrowser } from '../test/browser/support/chromium.ts';
import { poisonBlock } from '../test/browser/support/faulty.ts';
import { ORDERS_BUDGET, orders, record } from '../test/browser/support/recordings.ts';
import { servePage, type Served } from '../test/browser/support/serve.ts';

const FOLDER = fileURLToPath(new URL('inspector/', import.meta.url));

interface Shot {
  readonly name: string;
  readonly of: Served;
  readonly query: string;
  readonly theme: 'light' | 'dark';
  /** What must be there before the picture is taken. */
  readonly wait: string;
  readonly prepare?: (page: Page) => Promise<void>;
}

await setup();
const browser = await launchBrowser();
const [healthy, poisoned] = await Promise.all([
  record(orders, { budget: ORDERS_BUDGET }, 4200).then((recording) => servePage(recording)),
  record(poisonBlock, { budget: { cpu: 8 } }, 4000).then((recording) => servePage(recording)),
]);

const shots: readonly Shot[] = [
  {
    name: 'pipeline',
    of: healthy,
    query: '?sel=operator:enrich',
    theme: 'light',
    wait: '.card[data-operator="score"]',
  },
  {
    name: 'poison',
    of: poisoned,
    query: '?sel=operator:price',
    theme: 'dark',
    wait: '.card[data-operator="price"]',
  },
  {
    name: 'actors',
    of: healthy,
    query: '?tab=actors&sel=actor:orders/enrich&t=3000',
    theme: 'light',
    wait: '[data-state="backpressured"]',
  },
  {
    name: 'messages',
    of: healthy,
    query: '?tab=messages',
    theme: 'dark',
    wait: '.message',
    prepare: async (page) => {
      await page.locator('.message').nth(9).click();
      await page.getByRole('heading', { name: /^Message/ }).waitFor();
    },
  },
  {
    name: 'timeline',
    of: healthy,
    query: '?tab=timeline',
    theme: 'light',
    wait: 'canvas.gantt',
    prepare: async (page) => {
      await page.keyboard.press('f');
    },
  },
  {
    name: 'metrics',
    of: healthy,
    query: '?tab=metrics',
    theme: 'dark',
    wait: '[data-chart="active"] canvas',
  },
];

mkdirSync(FOLDER, { recursive: true });
for (const { name, of, query, theme, wait, prepare } of shots) {
  const page = await browser.newPage({
    viewport: { width: 1280, height: 760 },
    colorScheme: theme,
    locale: 'en-US',
    reducedMotion: 'reduce',
  });
  await page.goto(`${of.url}${query}`);
  await page.locator(wait).first().waitFor();
  await prepare?.(page);
  // Two frames: what was asked for last is drawn by then.
  await page.evaluate(async () => {
    await document.fonts.ready;
    for (let frame = 0; frame < 2; frame += 1) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  });
  await page.waitForFunction(() => performance.now() > 1500);
  await page.screenshot({ path: `${FOLDER}${name}.png` });
  await page.close();
}
await browser.close();
await Promise.all([healthy.close(), poisoned.close()]);
