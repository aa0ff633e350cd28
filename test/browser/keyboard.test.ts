/** Keys alone: every tab, the graph, the detail, tables, time, help; and none of it while somebody types. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from './support/chromium.ts';
import { ORDERS_BUDGET, orders, record } from './support/recordings.ts';
import { servePage, type Served } from './support/serve.ts';
import { visit } from './support/visit.ts';

let browser: Browser;
let served: Served;

beforeAll(async () => {
  const recording = await record(orders, { budget: ORDERS_BUDGET }, 1500);
  [browser, served] = await Promise.all([launchBrowser(), servePage(recording)]);
});

afterAll(async () => {
  await browser.close();
  await served.close();
});

function parameter(page: Page, name: string): string | null {
  return new URL(page.url()).searchParams.get(name);
}

/** The name of what has the focus. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    let element = document.activeElement;
    for (let inner = element; inner !== null; inner = inner.shadowRoot?.activeElement ?? null) {
      element = inner;
    }
    return element?.getAttribute('aria-label') ?? element?.textContent ?? '';
  });
}

test('digits are the tabs, and Back goes back', async () => {
  const { page, end } = await visit(browser, served.url);
  await page.locator('.card').first().waitFor();
  const tabs = ['Pipeline', 'Actors', 'Messages', 'Timeline', 'Metrics', 'Events', 'Runs'];
  for (const [index, name] of tabs.entries()) {
    await page.keyboard.press(String(index + 1));
    await page.getByRole('tab', { name, selected: true }).waitFor();
  }
  await page.goBack();
  await page.getByRole('tab', { name: 'Events', selected: true }).waitFor();
  await end();
});

test('the graph is walked with arrows, and Enter opens the detail', async () => {
  const { page, end } = await visit(browser, served.url);
  const cards = page.locator('.card-button');
  await cards.first().waitFor();
  await cards.first().focus();
  await expect.poll(() => focused(page)).toMatch(/^source, source,/);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => focused(page)).toMatch(/^enrich, transform, running/);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'enrich' }).waitFor();
  expect(parameter(page, 'sel')).toBe('operator:enrich');
  await page.keyboard.press('ArrowLeft');
  await expect.poll(() => focused(page)).toMatch(/^parse, transform/);
  await page.keyboard.press('Escape');
  await expect.poll(() => parameter(page, 'sel')).toBe(null);
  await end();
});

test('Tab reaches the tabs, and arrows go from one to the next', async () => {
  const { page, end } = await visit(browser, served.url);
  await page.locator('.card').first().waitFor();
  await page.keyboard.press('Tab');
  await expect.poll(() => focused(page)).toBe('Pipeline');
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => focused(page)).toBe('Actors');
  await page.getByRole('tab', { name: 'Actors', selected: true }).waitFor();
  await end();
});

test('messages are picked with the arrows', async () => {
  const { page, end } = await visit(browser, `${served.url}?tab=messages`);
  await page.locator('.message').first().waitFor();
  await page.getByRole('region', { name: /Sequence of messages/ }).focus();
  await page.keyboard.press('ArrowUp');
  await page.getByRole('heading', { name: /^Message \d+$/ }).waitFor();
  const first = parameter(page, 'sel');
  await page.keyboard.press('ArrowUp');
  await expect.poll(() => parameter(page, 'sel')).not.toBe(first);
  await end();
});

test('brackets and comma travel in time, and L goes back to the newest moment', async () => {
  const { page, end } = await visit(browser, served.url);
  await page.locator('.card').first().waitFor();
  await page.keyboard.press('[');
  await expect.poll(() => parameter(page, 't')).not.toBe(null);
  await page.getByText('viewing 00:').waitFor();
  const at = Number(parameter(page, 't'));
  await page.keyboard.press('[');
  await expect.poll(() => Number(parameter(page, 't'))).toBeLessThan(at);
  await page.keyboard.press('l');
  await expect.poll(() => parameter(page, 't')).toBe(null);
  await page.keyboard.press(',');
  await expect.poll(() => parameter(page, 't')).not.toBe(null);
  await end();
});

test('/ searches, and no key does anything else while somebody types', async () => {
  const { page, end } = await visit(browser, `${served.url}?tab=events`);
  await page.getByRole('row').nth(3).waitFor();
  await page.keyboard.press('/');
  await expect.poll(() => focused(page)).toBe('Search events');
  await page.keyboard.type('score 1 t?');
  await page.getByRole('searchbox').waitFor();
  expect(await page.getByRole('searchbox').inputValue()).toBe('score 1 t?');
  expect(parameter(page, 'tab')).toBe('events');
  expect(await page.getByRole('dialog').count()).toBe(0);
  await end();
});

test('? explains the keys, and Escape closes it', async () => {
  const { page, end } = await visit(browser, served.url);
  await page.locator('.card').first().waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Help and keys' }).waitFor();
  await page.keyboard.press('Escape');
  await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
  await end();
});

test('zoom and fit', async () => {
  const { page, end } = await visit(browser, served.url);
  await page.locator('.card').first().waitFor();
  const width = async (): Promise<number> =>
    (await page.locator('.card').first().boundingBox())?.width ?? 0;
  const before = await width();
  await page.keyboard.press('+');
  await expect.poll(width).toBeGreaterThan(before * 1.1);
  await page.keyboard.press('f');
  await expect.poll(width).toBeCloseTo(before, 0);
  await end();
});
