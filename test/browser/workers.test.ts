/** Workers of a page, bundled as an app's bundler does it: what holds in Node holds in a browser. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { BUILT_PAGE } from './support/build-page.ts';
import { launchBrowser } from './support/chromium.ts';
import { servePage, type Served } from './support/serve.ts';
import { visit, type Visit } from './support/visit.ts';

const SHELL = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Workers</title></head>
<body><script type="module" src="./workers.js"></script></body></html>`;

let browser: Browser;
let served: Served;
let visited: Visit;
let page: Page;

beforeAll(async () => {
  const folder = join(BUILT_PAGE, '../workers-app');
  await build({
    configFile: false,
    logLevel: 'warn',
    worker: { format: 'es' },
    build: {
      outDir: folder,
      target: 'es2022',
      modulePreload: false,
      rolldownOptions: {
        input: fileURLToPath(new URL('fixtures/workers.ts', import.meta.url)),
        output: { entryFileNames: 'workers.js' },
      },
    },
  });
  [browser, served] = await Promise.all([
    launchBrowser(),
    servePage('', { '/app.html': SHELL }, folder),
  ]);
});

afterAll(async () => {
  await browser.close();
  await served.close();
});

beforeEach(async () => {
  visited = await visit(browser, `${served.url}app.html`);
  ({ page } = visited);
  await page.waitForFunction('globalThis.scenarios !== undefined');
});

afterEach(async () => {
  // Whatever became of a run, its workers are gone with it.
  await expect.poll(() => page.workers().length, { timeout: 60_000 }).toBe(0);
  await page.close();
});

function play<T>(scenario: string): Promise<T> {
  return page.evaluate<T>(`globalThis.scenarios.${scenario}`);
}

test('rows cross both ways, as structured cloning has them', async () => {
  expect(await play('rows()')).toEqual({
    count: 1000,
    inOrder: true,
    dates: true,
    tags: ['new', 'seen'],
    where: ['worker'],
  });
  expect(visited.complaints).toEqual([]);
});

test('columns cross both ways, and are columns on the other side', async () => {
  expect(await play('columns()')).toEqual({
    seen: Array.from({ length: 8 }, (_, block) => ['columns', 10_000, block / 2, block / 2]),
    kept: Array.from({ length: 8 }, () => 10_000),
  });
  expect(visited.complaints).toEqual([]);
});

test('a stateful transform is set up in its worker, with its options', async () => {
  expect(await play('stateful()')).toEqual([102, 104, 106]);
});

test('a generator waits for credit: bytes stay within the budget', async () => {
  expect(await play('slowConsumer()')).toEqual({ rows: 500, bounded: true });
});

test('an error keeps its class, its code and its fields', async () => {
  expect(await play('error()')).toMatchObject({
    rows: {
      name: 'TaskError',
      cause: {
        kind: 'RangeError',
        message: 'on purpose',
        code: 'E_TEST',
        detail: { row: 3 },
      },
    },
  });
});

test('a worker that crashes costs an attempt, and another takes its place', async () => {
  const { rows, operators } = await play<{
    rows: unknown;
    operators: Record<string, { retried: number; blocksOut: number }>;
  }>('crash()');
  expect(rows).toEqual([0, 1, 2, 3]);
  expect(operators['crash']).toMatchObject({ retried: 2, blocksOut: 2 });
});

test('a worker that crashes for good is a WorkerError that says what was thrown', async () => {
  expect(await play('crashForGood()')).toMatchObject({
    rows: {
      name: 'TaskError',
      cause: {
        name: 'WorkerError',
        code: 'WORKER',
        failure: 'exit',
        message: expect.stringContaining('the worker crashed') as string,
      },
    },
  });
});

test('a script that cannot be loaded is told before anything runs', async () => {
  expect(await play('missing()')).toMatchObject({
    rows: { cause: { name: 'WorkerError', failure: 'start' } },
  });
});

test('a function that never lets go of its thread is ended by its timeout', async () => {
  expect(await play('timeout()')).toMatchObject({ rows: { cause: { name: 'TimeoutError' } } });
});

test.each(['spin', 'listen'])(
  'a cancel reaches a function that does nothing but %s',
  async (how) => {
    expect(await play(`cancel('${how}')`)).toEqual({ status: 'cancelled', workers: 1 });
  },
);
