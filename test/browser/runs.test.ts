/** The tab Runs: recordings opened and compared, and what is shown taken away. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseRecording } from '../../src/inspect/recording.ts';
import { launchBrowser } from './support/chromium.ts';
import { ORDERS_BUDGET, orders, record } from './support/recordings.ts';
import { servePage, type Served } from './support/serve.ts';
import { visit } from './support/visit.ts';

let browser: Browser;
let served: Served;
let recording: string;
let folder: string;

beforeAll(async () => {
  recording = await record(orders, { budget: ORDERS_BUDGET }, 700);
  folder = await mkdtemp(join(tmpdir(), 'sluice-runs-'));
  [browser, served] = await Promise.all([launchBrowser(), servePage(recording)]);
});

afterAll(async () => {
  await browser.close();
  await served.close();
  await rm(folder, { recursive: true });
});

/** Presses a button that makes a file; the path of what was made. */
async function take(page: Page, name: string): Promise<string> {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name, exact: true }).click();
  const made = await download;
  const path = join(folder, made.suggestedFilename());
  await made.saveAs(path);
  return path;
}

test('what is shown is taken away as it is', async () => {
  const { page, end } = await visit(browser, `${served.url}?tab=runs`);
  const copy = await readFile(await take(page, 'Recording'), 'utf8');
  expect(parseRecording(copy).events).toEqual(parseRecording(recording).events);
  const trace = JSON.parse(await readFile(await take(page, 'Trace'), 'utf8')) as {
    traceEvents: readonly unknown[];
  };
  expect(trace.traceEvents.length).toBeGreaterThan(100);
  expect(await readFile(await take(page, 'Graph (SVG)'), 'utf8')).toMatch(/^<svg[^>]*>[^]*enrich/);
  const pictures = [
    ['Timeline (SVG)', '>enrich 0<'],
    ['Messages (SVG)', '60 messages'],
    ['Statechart (SVG)', '<title>supervisor'],
  ] as const;
  for (const [label, shown] of pictures) {
    const path = await take(page, label);
    expect(await readFile(path, 'utf8')).toContain(shown);
    // A browser takes it for a picture.
    const picture = await browser.newPage();
    await picture.goto(pathToFileURL(path).href);
    expect(await picture.locator('parsererror').count()).toBe(0);
    expect(await picture.evaluate(() => document.documentElement.localName)).toBe('svg');
    await picture.close();
  }
  expect(await readFile(await take(page, 'Metrics (CSV)'), 'utf8')).toMatch(/enrich/);
  const mermaid = await readFile(await take(page, 'Graph, charts and messages (Mermaid)'), 'utf8');
  expect(mermaid).toMatch(/stateDiagram-v2/);
  await end();
});

test('one file shows the run to somebody who has nothing else', async () => {
  const { page, end } = await visit(browser, `${served.url}?tab=runs`);
  const path = await take(page, 'Page with all in it');
  await end();
  const replay = await visit(browser, pathToFileURL(path).href);
  await replay.page.locator('.card[data-operator="enrich"]').waitFor();
  await replay.page.keyboard.press('2');
  await replay.page.locator('[data-state="running.polling"]').waitFor();
  await replay.end();
});

test('a recording is opened, shown and compared', async () => {
  const { page, end } = await visit(browser, `${served.url}?tab=runs`);
  const longer = await record(orders, { budget: ORDERS_BUDGET }, 1400);
  await page.getByLabel('Recording to open').setInputFiles({
    name: 'longer.run',
    mimeType: 'application/octet-stream',
    buffer: Buffer.from(longer),
  });
  // It is shown from the start page on.
  await page.locator('.card[data-operator="enrich"]').waitFor();
  await page
    .getByText(/^00:01\.[34]$/)
    .first()
    .waitFor();
  await page.keyboard.press('7');
  const rows = page.getByRole('row', { name: /^enrich tasks done/ });
  await rows.getByText(/^\+\d+ %$/).waitFor();
  await page.getByRole('button', { name: 'the run' }).click();
  await page
    .getByText(/^00:00\.[67]$/)
    .first()
    .waitFor();
  await end();
});

test('what is no recording is refused, with the reason', async () => {
  const { page, end } = await visit(browser, `${served.url}?tab=runs`);
  await page.getByLabel('Recording to open').setInputFiles({
    name: 'holiday.jpg',
    mimeType: 'image/jpeg',
    buffer: Buffer.from('not a recording'),
  });
  await page
    .getByRole('alert')
    .getByText(/recording/)
    .waitFor();
  await end();
});
