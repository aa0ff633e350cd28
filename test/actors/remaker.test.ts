import { expect, test } from 'vitest';
import { rowBlock, type Block } from '../../actors/block.ts';
import type { Origin, Step } from '../../actors/origin.ts';
import { createRemaker } from '../../actors/remaker.ts';
import { simEnv } from '../../actors/sim-env.ts';
import type { BlockTransform, TaskPlace } from '../../actors/transform.ts';
import { programOf } from './support/runner.ts';

const input = { id: 1, lineage: '0.4', producer: 0, numRows: 1, sizeBytes: 8 };
const split = (rows: readonly unknown[]): Origin => ({ kind: 'split', block: rowBlock(rows) });
const step = (from: Origin, parts: Partial<Step> = {}): Step => ({
  kind: 'step',
  operator: 0,
  from,
  input,
  attempt: 1,
  index: 0,
  ...parts,
});

function remakerOf(...calls: BlockTransform['call'][]) {
  const env = simEnv();
  const cancelling = new AbortController();
  const logs: [TaskPlace, readonly unknown[]][] = [];
  const remake = createRemaker({
    env,
    hosts: new Map(),
    cancelled: cancelling.signal,
    programs: calls.map((call, index) => programOf(call, { index, name: `op${String(index)}` })),
    onLog: (place, values) => {
      logs.push([place, values]);
    },
  });
  const make = (origin: Step, signal = new AbortController().signal): Promise<Block<unknown>> =>
    env.drive(remake(origin, signal));
  return { env, remake, logs, make, cancelling };
}

test('the output with the number is yielded again, none before it is kept, none after it asked for', async () => {
  let yielded = 0;
  let returned = 0;
  const { make } = remakerOf(function* (rows: number[]) {
    try {
      for (const row of rows) {
        yielded += 1;
        yield [row * 2];
      }
    } finally {
      returned += 1;
    }
  });
  const block = await make(step(split([1, 2, 3, 4]), { index: 2 }));
  expect(block.rows).toEqual([6]);
  expect({ yielded, returned }).toEqual({ yielded: 3, returned: 1 });
});

test('a transform is told the lineage and the attempt it was told before', async () => {
  const { make, logs } = remakerOf((rows: number[], { log, attempt, lineage, operator }) => {
    log(attempt, lineage, operator);
    return rows;
  });
  await make(step(split([1]), { attempt: 3 }));
  expect(logs.map(([, values]) => values)).toEqual([[3, '0.4', 'op0']]);
});

test('a very long chain overflows no stack', async () => {
  const { make } = remakerOf((rows: number[]) => rows.map((row) => row + 1));
  let origin = split([0]);
  for (let stage = 0; stage < 20_000; stage++) origin = step(origin);
  expect((await make(origin as Step)).rows).toEqual([20_000]);
});

test('of what is asked for at once each is made for itself, one after the other', async () => {
  const order: string[] = [];
  const { env, remake } = remakerOf(async ([row]: string[]) => {
    order.push(`${String(row)} begins`);
    await env.sleep(5);
    order.push(`${String(row)} ends`);
    return [row];
  });
  const { signal } = new AbortController();
  const blocks = ['a', 'b'].map((row) => remake(step(split([row])), signal));
  const made = await env.drive(Promise.all(blocks));
  expect(made.map(({ rows }) => rows)).toEqual([['a'], ['b']]);
  expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});

test('what fails does not hold up what comes after it', async () => {
  const { env, remake } = remakerOf(([row]: string[]) => {
    if (row === 'a') throw new Error('not a');
    return [row];
  });
  const { signal } = new AbortController();
  const first = remake(step(split(['a'])), signal);
  const second = remake(step(split(['b'])), signal);
  await expect(env.drive(first)).rejects.toThrow('not a');
  expect((await env.drive(second)).rows).toEqual(['b']);
});

test('a transform that ends before the output is told by name', async () => {
  const { make } = remakerOf(() => []);
  await expect(make(step(split([1])))).rejects.toThrow('operator "op0" yields less than before');
});

test('what is thrown that is no error becomes one', async () => {
  const { make } = remakerOf(() => Promise.reject('text'));
  await expect(make(step(split([1])))).rejects.toThrow(new Error('text'));
});

test('who gives up ends what runs, and keeps what waits from beginning', async () => {
  let began = 0;
  let heard = 0;
  const { env, remake } = remakerOf(
    (_rows: never[], { signal }) =>
      new Promise((_resolve, reject) => {
        began += 1;
        signal.addEventListener('abort', () => {
          heard += 1;
          reject(new Error('aborted'));
        });
      }),
  );
  const [one, other] = [new AbortController(), new AbortController()];
  const first = remake(step(split([1])), one.signal);
  const second = remake(step(split([2])), other.signal);
  const last = new AbortController();
  const third = remake(step(split([3])), last.signal);
  const ends = Promise.allSettled([first, second, third]);
  await env.advance(10);
  other.abort(new Error('given up'));
  one.abort(new Error('given up'));
  await env.advance(10);
  expect({ began, heard }).toEqual({ began: 2, heard: 1 });
  last.abort(new Error('over'));
  const settled = await env.drive(ends);
  expect(settled.map((end) => (end.status === 'rejected' ? String(end.reason) : end))).toEqual([
    'Error: given up',
    'Error: given up',
    'Error: over',
  ]);
  expect({ began, heard }).toEqual({ began: 2, heard: 2 });
});

test('a run that is cancelled ends what runs, whoever waits for it', async () => {
  const { env, remake, cancelling } = remakerOf(
    (_rows: never[], { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('aborted'));
        });
      }),
  );
  const { signal } = new AbortController();
  const ends = Promise.allSettled([
    remake(step(split([1])), signal),
    remake(step(split([2])), signal),
  ]);
  await env.advance(10);
  cancelling.abort('enough');
  const settled = await env.drive(ends);
  expect(settled.map((end) => (end.status === 'rejected' ? String(end.reason) : end))).toEqual([
    'Error: enough',
    'Error: enough',
  ]);
});
