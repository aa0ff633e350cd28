/** The inspector inside of an app: React components, hooks, and the custom element, built by a bundler. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import express from 'express';
import type { Browser } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  mountInspector,
  startInspector,
  type MountedInspector,
} from '../../src/inspect/server/index.ts';
import { pipeline } from '../../src/index.ts';
import { BUILT_PAGE } from './support/build-page.ts';
import { launchBrowser } from './support/chromium.ts';
import { ORDERS_BUDGET, orders, record } from './support/recordings.ts';
import { POLICY, servePage, type Served } from './support/serve.ts';
import { visit } from './support/visit.ts';

let browser: Browser;
let served: Served;
/** Where the element alone is bundled, as a page without React has it. */
let elementFolder: string;

const SHELL = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>An app</title></head>
<body><h1>An app</h1><div id="root"></div><div id="element"></div><script type="module" src="./app.js"></script></body></html>`;

beforeAll(async () => {
  const folder = await bundle('app.tsx');
  elementFolder = await bundle('element.ts');
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
async function bundle(fixture: string): Promise<string> {
  const entry = fileURLToPath(new URL(`fixtures/${fixture}`, import.meta.url));
  const outDir = join(BUILT_PAGE, `../embedding-${fixture.replace(/\W/g, '-')}`);
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

/** An app with an inspector mounted in its server, and a page with the element in it. */
async function serveApp(): Promise<{
  url: string;
  inspector: MountedInspector;
  close: () => Promise<void>;
}> {
  const inspector = mountInspector({ ui: BUILT_PAGE, control: true });
  const app = express();
  app.use('/inspect', inspector.handler);
  app.get('/app.html', (_request, response) => {
    response.set('content-security-policy', POLICY);
    response.type('html').send(SHELL);
  });
  app.use(express.static(elementFolder));
  app.use(express.static(BUILT_PAGE));
  const server = createServer(app);
  inspector.attach(server, '/inspect');
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    inspector,
    url: `http://127.0.0.1:${String(port)}/`,
    async close() {
      inspector.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('the element shows a live run by its address, with the rights of its token', async () => {
  const run = pipeline('mounted')
    .from(
      (function* () {
        for (let row = 0; ; row += 1) yield row;
      })(),
      { rowsPerBlock: 1 },
    )
    .mapBlocks(
      async (rows) => {
        await sleep(10);
        return rows;
      },
      { name: 'live' },
    )
    .start();
  run.drain().catch(() => undefined);
  const { inspector, url, close } = await serveApp();
  inspector.inspect(run);
  const { page, end } = await visit(browser, `${url}app.html`);
  const show = (token: string | undefined): Promise<void> =>
    page.evaluate(
      (src) => {
        document.querySelector('pipeline-view')?.remove();
        const element = document.createElement('pipeline-view');
        element.style.height = '600px';
        element.setAttribute('src', src);
        document.body.append(element);
      },
      `/inspect/#token=${token ?? ''}`,
    );
  const view = page.locator('pipeline-view');
  const hold = view.getByRole('button', { name: '‖ Hold' });

  await show(inspector.tokens.control);
  await view.locator('.card[data-operator="live"]').waitFor();
  // It is live: what it counts goes up.
  const done = async (): Promise<number> =>
    Number(
      /✓(\d+)/.exec((await view.locator('.card[data-operator="live"]').textContent()) ?? '')?.[1],
    );
  const before = await done();
  await expect.poll(done, { timeout: 20_000 }).toBeGreaterThan(before);
  await hold.click();
  await expect.poll(() => run.snapshot().state).toBe('paused');
  await view.getByRole('button', { name: 'Resume' }).click();
  await expect.poll(() => run.snapshot().state).toBe('running');

  // The other token shows the same, and nothing that could change it.
  await show(inspector.tokens.read);
  await view.locator('.card[data-operator="live"]').waitFor();
  expect(await hold.count()).toBe(0);
  // It keeps its place, and the token, to itself.
  expect(page.url()).toBe(`${url}app.html`);
  expect(
    await page.evaluate(() =>
      JSON.stringify([Object.keys(localStorage), Object.keys(sessionStorage)]),
    ),
  ).toBe('[[],[]]');
  await end();

  // A wrong one shows nothing, and says so.
  const wrong = await visit(browser, `${url}app.html`);
  await wrong.page.evaluate((src) => {
    const element = document.createElement('pipeline-view');
    element.setAttribute('src', src);
    document.body.append(element);
  }, '/inspect/#token=wrong');
  await wrong.page
    .locator('pipeline-view')
    .getByText(/connection was lost|disconnected/i)
    .first()
    .waitFor();
  expect(await wrong.page.locator('pipeline-view .card').count()).toBe(0);
  await wrong.page.close();
  await run.cancel();
  await close();
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
