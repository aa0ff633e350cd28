import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { pipeline, type Run } from '../../src/index.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function started(): Run<number> {
  return pipeline('refs')
    .from([1, 2, 3], { rowsPerBlock: 1 })
    .map((x) => x, { preserveOrder: true })
    .start();
}

/** Takes all refs, and releases those that `releases` says. */
async function take(run: Run<number>, releases: (index: number) => boolean): Promise<void> {
  let index = 0;
  for await (const ref of run.refs()) if (releases(index++)) run.release(ref);
}

test('a ref that was dropped and never released is told of', async () => {
  const run = started();
  await take(run, (index) => index > 0);
  for (let turn = 0; turn < 100 && run.callbackErrors.count === 0; turn++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(String(run.callbackErrors.first)).toMatch(
    /block \d+ \(0\.0\.0\) was taken with refs\(\) and never released/,
  );
});

test('refs that were released are not', async () => {
  const run = started();
  await take(run, () => true);
  for (let turn = 0; turn < 20; turn++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(run.callbackErrors.count).toBe(0);
});
