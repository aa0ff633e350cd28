/** The inspector inside of an app: React components, hooks, and the custom element, built by a bundler. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startInspector } from '../../src/inspect/server/index.ts';
import { pipeline } from '../../src/index.ts';
import { BUILT_PAGE } from './support/build-page.ts';
import { launchBrowser } from './support/chromium.ts';
import { ORDERS_BUDGET, orders, record } from './support/recordings.ts';
import { servePage, type Served } from './support/serve.ts';
import { visit } from './support/visit.ts';

let browser: Browser;
let served: Served;

const SHELL = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>An app</title></head>
<body><h1>An app</h1><div id="root"></div><div id="element"></div><script type="module" src="./app.js"></script></body></html>`;

beforeAll(async () => {
  const folder = await bundle(fileURLToPath(new URL('fixtures/app.tsx', import.meta.url)));
  const recording = await record(orders, { budget: ORDERS_BUDGET }, 800);
  [browser, served] = await Promise.all([
    launchBrowser(),
    servePage(recording, { '/app.html': SHELL }, folder),
  ]);
});

afterAll(async () => {
  await browser.close();
  await served.close();
});

/** As an app's bundler does it; the inspector stays the module that the package brings. The folder. */
async function bundle(entry: string): Promise<string> {
  const outDir = join(BUILT_PAGE, '../embedding-app');
  const { NODE_ENV } = process.env;
  process.env['NODE_ENV'] = 'production';
  await build({
    configFile: false,
    logLevel: 'warn',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        name: 'inspector-as-published',
        enforce: 'pre',
        resolveId: (source) =>
          source === '#inspector-page' ? { id: './inspector.js', external: 'relative' } : undefined,
      },
    ],
    build: {
      outDir,
      target: 'es2022',
      modulePreload: false,
      rolldownOptions: { input: entry, output: { entryFileNames: 'app.js' } },
    },
  });
  if (NODE_ENV !== undefined) process.env['NODE_ENV'] = NODE_ENV;
  return outDir;
}

test('views of a run of the page, of a recording, and hooks', async () => {
  const { page, end } = await visit(browser, `${served.url}app.html`, { height: 1800 });
  const live = page.locator('#live');
  await live.locator('.card[data-operator="square"]').waitFor();
  await live.locator('.card-state', { hasText: 'running' }).first().waitFor();
  await page.locator('#facts', { hasText: /running, [1-9]\d* done, context in-context/ }).waitFor();
  await page.locator('#recorded canvas.gantt').waitFor();
  await page.locator('pipeline-view .card[data-operator="enrich"]').waitFor();

  // The app's theme is followed, and the place of a part of a page is not in its address.
  await page.getByRole('button', { name: 'other theme' }).click();
  await live.locator('.inspector[data-theme="dark"]').waitFor();
  await live.getByRole('tab', { name: 'Actors' }).click();
  expect(page.url()).toBe(`${served.url}app.html`);

  // It may hold the run, because the app said so.
  await live.getByRole('button', { name: '‖ Hold' }).click();
  await live.getByText('held: no task starts').first().waitFor();
  await live.getByRole('button', { name: 'Resume' }).click();

  await page.getByRole('button', { name: 'take away' }).click();
  await expect.poll(() => live.locator('.inspector').count()).toBe(0);
  await page.getByRole('button', { name: 'put back' }).click();
  await live.locator('.card[data-operator="square"]').waitFor();
  await page.evaluate(() => (window as unknown as { cancelRun: () => Promise<void> }).cancelRun());
  await end();
});

test('developer tools open, and are as they were left', async () => {
  const { page, end } = await visit(browser, `${served.url}app.html`);
  await page.getByRole('button', { name: 'Open the pipeline inspector' }).click();
  await page.locator('.card[data-operator="square"]').nth(1).waitFor();
  await page.reload();
  await page.getByRole('button', { name: 'Close the pipeline inspector' }).waitFor();
  await end();
});

test('the element shows a run elsewhere, by its address', async () => {
  const run = pipeline('elsewhere')
    .from([1, 2, 3])
    .map((row) => row)
    .start();
  const inspector = await startInspector({
    ui: BUILT_PAGE,
    allowedHosts: [new URL(served.url).host],
  });
  const address = inspector.inspect(run);
  const { page } = await visit(browser, `${served.url}app.html`);
  await page.locator('pipeline-view .card').first().waitFor();
  // The policy of this page lets it connect to nobody else: that is told, not swallowed.
  const told = await page.evaluate(async (src) => {
    const element = document.createElement('pipeline-view');
    const error = new Promise<string>((resolve) => {
      element.addEventListener('error', (event) => {
        resolve(String(event.error));
      });
    });
    element.setAttribute('src', src.split('#')[0] ?? '');
    document.body.append(element);
    return error;
  }, address);
  expect(told).toMatch(/has no token/);
  await page.close();
  await run.cancel('seen');
  await inspector.close();
});
