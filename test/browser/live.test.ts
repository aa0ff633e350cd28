/** A run under way: those who come late see all of it, those who lose the line get it back, and control. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pipeline, type Run } from '../../src/index.ts';
import { modelOf } from '../../src/inspect/export/index.ts';
import { parseRecording } from '../../src/inspect/recording.ts';
import { startInspector } from '../../src/inspect/server/index.ts';
import { BUILT_PAGE } from './support/build-page.ts';
import { launchBrowser } from './support/chromium.ts';
import { stretchWire } from './support/proxy.ts';
import { violations } from './support/violations.ts';
import { visit } from './support/visit.ts';

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser.close();
});

/** Runs until it is cancelled. */
function endless(): Run<number> {
  function* rows(): Generator<number> {
    for (let row = 0; ; row += 1) yield row;
  }
  const run = pipeline('endless')
    .from(rows(), { rowsPerBlock: 5 })
    .mapBlocks(
      async (block: readonly number[]) => {
        await sleep(10);
        return block;
      },
      { name: 'parse', maxConcurrency: 2 },
    )
    .mapBlocks(
      async (block: readonly number[]) => {
        await sleep(15);
        return block;
      },
      { name: 'store', maxConcurrency: 2 },
    )
    .start({ budget: { cpu: 8 } });
  run.drain().catch(() => undefined);
  return run;
}

/** Until an operator has done so many tasks. */
async function done(run: Run<number>, operator: string, tasks: number): Promise<void> {
  await expect
    .poll(() => run.snapshot().operators[operator]?.done ?? 0, { timeout: 20_000 })
    .toBeGreaterThanOrEqual(tasks);
}

test('whoever comes late sees everything there was', async () => {
  const run = endless();
  const inspector = await startInspector({ ui: BUILT_PAGE });
  const url = inspector.inspect(run);
  await done(run, 'store', 30);
  const { page, end } = await visit(browser, url);
  await page.locator('.card[data-operator="store"]').waitFor();
  const count = page.locator('.card[data-operator="store"] text').filter({ hasText: /✓\d\d/ });
  await count.waitFor();
  await page.keyboard.press('2');
  await page.locator('[data-state="running.dispatching"]').waitFor();
  await page.keyboard.press('4');
  await page.keyboard.press('t');
  await page
    .getByRole('table', { name: /^Tasks/ })
    .getByText(/^store #\d+$/)
    .first()
    .waitFor();
  // The token has left the address, and the page can be loaded again all the same.
  expect(page.url()).not.toContain('token');
  await page.reload();
  await page.getByRole('tab', { name: 'Timeline', selected: true }).waitFor();
  await page.getByText('● live').waitFor();
  // Nothing may be changed by those who may only look.
  for (const name of ['Hold', 'Change budget', 'Set maxConcurrency']) {
    expect(await page.getByRole('button', { name }).count()).toBe(0);
  }
  await run.cancel('seen');
  await page.getByText('run is over').waitFor();
  await end();
  await inspector.close();
});

test('a tab is sent what it shows: messages come to the one that shows them', async () => {
  const run = endless();
  const inspector = await startInspector({ ui: BUILT_PAGE });
  const url = inspector.inspect(run);
  const { page, end } = await visit(browser, url);
  let frames: string[] = [];
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => frames.push(String(payload)));
  });
  const areSent = async (): Promise<boolean> => {
    frames = [];
    const batches = (): readonly string[] => frames.filter((text) => text.includes('task.ended'));
    await expect.poll(() => batches().length, { timeout: 20_000 }).toBeGreaterThan(3);
    return batches().slice(1).join().includes('"type":"message"');
  };
  // Sockets are heard of as they are opened.
  await page.reload();
  await page.locator('.card[data-operator="store"]').waitFor();
  expect(await areSent()).toBe(false);
  await page.keyboard.press('3');
  await page.locator('[data-tab="messages"][aria-selected="true"]').waitFor();
  expect(await areSent()).toBe(true);
  // Also those that were sent to nobody are there.
  await page.keyboard.press('t');
  await page.getByRole('table').getByText('operator.dispatch').first().waitFor();
  await page.keyboard.press('1');
  await page.locator('[data-tab="pipeline"][aria-selected="true"]').waitFor();
  expect(await areSent()).toBe(false);
  await end();
  await run.cancel();
  await inspector.close();
});

test('a line that is cut is told of, and taken up again', async () => {
  const wire = await stretchWire();
  const run = endless();
  const inspector = await startInspector({
    ui: BUILT_PAGE,
    allowedHosts: [`127.0.0.1:${String(wire.port)}`],
  });
  const url = new URL(inspector.inspect(run));
  wire.leadTo(Number(url.port));
  url.port = String(wire.port);
  const { page } = await visit(browser, url.href);
  await page.getByText('● live').waitFor();
  await page.locator('.card[data-operator="store"]').waitFor();
  wire.cut();
  await page.getByText(/^disconnected, retrying in \d+ s$/).waitFor();
  // What was seen last is still there.
  expect(await page.locator('.card').count()).toBe(3);
  wire.mend();
  await page.getByText('● live').waitFor();
  const before = run.snapshot().operators['store']?.done ?? 0;
  const doneShown = async (): Promise<number> => {
    const texts = await page.locator('.card[data-operator="store"] text').allTextContents();
    return Number(texts.find((text) => text.includes('✓'))?.replace(/.*✓/, '') ?? 0);
  };
  await expect.poll(doneShown, { timeout: 15_000 }).toBeGreaterThan(before);
  // The browser itself complains of the line: that is all there may be to complain of.
  await page.close();
  await run.cancel('seen');
  await inspector.close();
  await wire.close();
});

test('who has the control address holds, steps, resumes and changes the run', async () => {
  const run = endless();
  const inspector = await startInspector({ ui: BUILT_PAGE, control: true });
  const { page, end } = await visit(browser, inspector.inspect(run));
  await page.getByRole('button', { name: 'Hold' }).click();
  await page.getByText('held: no task starts until it is resumed').first().waitFor();
  expect(run.snapshot().state).toBe('paused');
  await page.getByRole('button', { name: 'Step task' }).click();
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect.poll(() => run.snapshot().state).toBe('running');

  await page.keyboard.press('b');
  const dialog = page.getByRole('dialog', { name: 'Breakpoints' });
  await dialog.getByRole('combobox', { name: /Hold when/ }).selectOption('message');
  await dialog.getByRole('textbox').fill('operator.dispatch');
  await dialog.getByRole('button', { name: 'Add' }).click();
  await expect.poll(() => run.snapshot().state).toBe('paused');
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByText('held by a breakpoint').first().waitFor();
  expect(page.url()).not.toContain('token');
  await run.cancel('seen');
  await end();
  await inspector.close();
});

test('what the run may use is changed, and what is wrong with a wish is said', async () => {
  const run = endless();
  const inspector = await startInspector({ ui: BUILT_PAGE, control: true });
  const { page, end } = await visit(browser, inspector.inspect(run));
  const open = page.getByRole('button', { name: 'Change budget' });
  await open.focus();
  await page.keyboard.press('Enter');
  const budget = page.getByRole('group', { name: 'Budget' });
  const cpu = budget.getByRole('spinbutton', { name: 'cpu' });

  await page.keyboard.press('Tab');
  for (const [wish, problem] of [
    ['', 'write a number'],
    ['0', 'it must be above 0'],
    // The run itself says no: one task of an operator would need more.
    ['0.5', 'needs 1 cpu for one task'],
  ] as const) {
    await cpu.fill(wish);
    await page.keyboard.press('Enter');
    await budget.getByText(problem).waitFor();
    expect(await cpu.getAttribute('aria-invalid')).toBe('true');
  }
  expect(run.snapshot().resources['cpu']?.total).toBe(8);
  expect(await violations(page)).toEqual([]);

  await cpu.fill('3');
  await page.keyboard.press('Enter');
  await budget.getByText('now 3').waitFor();
  expect(run.snapshot().resources['cpu']?.total).toBe(3);
  const gauge = page.getByRole('meter', { name: 'cpu' });
  await expect.poll(() => gauge.getAttribute('aria-valuemax')).toBe('3');

  const weight = budget.getByRole('textbox', { name: 'blockBytes' });
  await weight.fill('a lot');
  await page.keyboard.press('Enter');
  await budget.getByText('write bytes, or with a unit: 64 MiB').waitFor();
  await weight.fill('64 MiB');
  await page.keyboard.press('Enter');
  await budget.getByText('now 64 MiB').waitFor();
  expect(run.snapshot().blockBytes.limit).toBe(64 * 2 ** 20);
  await page.keyboard.press('Escape');
  await expect.poll(() => budget.count()).toBe(0);
  expect(await open.evaluate((button) => button.matches(':focus'))).toBe(true);

  await page.locator('.card[data-operator="parse"]').click();
  const drawer = page.getByRole('complementary');
  const limit = drawer.getByRole('spinbutton', { name: 'maxConcurrency' });
  await drawer.getByText('now 2').waitFor();
  await limit.fill('1.5');
  await page.keyboard.press('Enter');
  await drawer.getByText('write a whole number of at least 1').waitFor();
  await limit.fill('5');
  await page.keyboard.press('Enter');
  await drawer.getByText('now 5').waitFor();
  await drawer.getByText('of 5 tasks').waitFor();
  await run.cancel('seen');
  // There is nothing to change any more.
  await expect.poll(() => open.count()).toBe(0);
  await end();
  await inspector.close();
});

test('R records what happens from then on, and R again saves it', async () => {
  const run = endless();
  const inspector = await startInspector({ ui: BUILT_PAGE });
  const url = inspector.inspect(run);
  await done(run, 'store', 20);
  const { page, end } = await visit(browser, url);
  await page.getByRole('button', { name: 'Rec', exact: true }).waitFor();
  await page.keyboard.press('r');
  const save = page.getByRole('button', { name: /^■ Save 00:0/ });
  await save.waitFor();
  const before = run.snapshot().operators['store']?.done ?? 0;
  await done(run, 'store', before + 20);
  // It goes on behind every tab.
  await page.keyboard.press('4');
  await expect.poll(() => save.textContent()).not.toBe('■ Save 00:00.0');
  const download = page.waitForEvent('download');
  await page.keyboard.press('r');
  const made = await download;
  expect(made.suggestedFilename()).toBe('endless.run');
  const { header, events, isPartial } = parseRecording(await readFile(await made.path(), 'utf8'));
  expect(header.name).toBe('endless');
  expect(isPartial).toBe(true);
  const model = modelOf(events);
  expect(model.operators.map(({ name }) => name)).toEqual(['source', 'parse', 'store']);
  expect(model.operators[2]?.figures.done).toBeGreaterThanOrEqual(before);
  expect(events.filter(({ type }) => type === 'task.ended').length).toBeGreaterThan(10);
  // All of it, though no tab that was looked at shows messages or tokens.
  for (const type of ['message', 'token.granted', 'blocks.released'] as const) {
    expect(events.some((event) => event.type === type)).toBe(true);
  }
  expect(events[0]?.at).toBeGreaterThan(0);

  // The end of the run is the end of the recording.
  await page.keyboard.press('r');
  await save.waitFor();
  const last = page.waitForEvent('download');
  await run.cancel('seen');
  const rest = parseRecording(await readFile(await (await last).path(), 'utf8'));
  expect(rest.events.at(-1)).toMatchObject({ type: 'run.ended', status: 'cancelled' });
  await expect.poll(() => page.getByRole('button', { name: 'Rec', exact: true }).count()).toBe(0);
  await end();
  await inspector.close();
});

test('time is travelled while the run goes on', async () => {
  const run = endless();
  const inspector = await startInspector({ ui: BUILT_PAGE });
  const url = inspector.inspect(run);
  await done(run, 'store', 40);
  const { page, end } = await visit(browser, url);
  await page.locator('.card[data-operator="store"]').waitFor();
  const slider = page.getByRole('slider', { name: 'Moment of the run' });
  await slider.fill('100');
  await page.getByText('viewing 00:00.1').waitFor();
  await page.getByText('live is').waitFor();
  const then = page.url();
  await done(run, 'store', 80);
  // Another visitor with the address sees the same moment.
  const second = await visit(browser, `${then}${new URL(url).hash}`);
  await second.page.getByText('viewing 00:00.1').waitFor();
  await second.end();
  await page.getByRole('button', { name: 'Go live' }).click();
  await expect.poll(() => page.getByText('viewing 00:').count()).toBe(0);
  await end();
  await run.cancel('seen');
  await inspector.close();
});

test('what comes from the run is text, whatever it looks like', async () => {
  const name = '<img src=x onerror="document.title=1">';
  const run = pipeline('<script>alert(1)</script>')
    .from([1, 2, 3], { rowsPerBlock: 1 })
    .mapBlocks(
      () => {
        throw new Error('<b onclick="x">boom</b>');
      },
      { name, retries: { count: 1000, backoff: 40 } },
    )
    .start();
  run.drain().catch(() => undefined);
  const inspector = await startInspector({ ui: BUILT_PAGE });
  const { page, end } = await visit(browser, inspector.inspect(run));
  await page.getByRole('button', { name: `Show ${name.slice(0, 20)}` }).click();
  await page.getByText('<b onclick="x">boom</b>').first().waitFor();
  for (const tab of ['2', '3', '4', '5', '6', '7', '1']) await page.keyboard.press(tab);
  expect(await page.locator('img, script:not([src])').count()).toBe(0);
  expect(await page.title()).toBe('Sluice inspector');
  await run.cancel('seen');
  await end();
  await inspector.close();
});
