import { getHeapStatistics } from 'node:v8';
import { expect, test } from 'vitest';
import { createTrimmer, trimHeap } from '../../../src/node/spill/heap.ts';

const MB = 1024 * 1024;

/** Texts of 8 MB in all. */
function texts(): readonly string[] {
  return Array.from({ length: 512 }, (_, index) =>
    Buffer.alloc(16 * 1024, 97 + (index % 26)).toString('latin1'),
  );
}

test('garbage does not grow beyond its limit, however much is made', () => {
  trimHeap();
  const before = getHeapStatistics().used_heap_size;
  // As in a queue: what goes has lived for long enough to be old.
  const queue: (readonly string[])[] = [];
  const LIVE = 6;
  let most = 0;
  for (let step = 0; step < 80; step++) {
    queue.push(texts());
    if (queue.length > LIVE) queue.shift();
    trimHeap();
    most = Math.max(most, getHeapStatistics().used_heap_size);
  }
  const live = before + 8 * MB * LIVE;
  expect(most).toBeLessThanOrEqual(live + Math.max(24 * MB, live / 3) + 8 * MB);
});

/** What is collected while the bytes in use are these, one after the other; a collection leaves `left`. */
function collections(left: number, ...inUse: readonly number[]): readonly number[] {
  const at: number[] = [];
  let now = 0;
  const trim = createTrimmer(
    () => now * MB,
    () => {
      at.push(now);
      now = left;
    },
  );
  for (const megabytes of inUse) {
    now = megabytes;
    trim();
  }
  return at;
}

test('it is collected when 24 MB have come on top of what was left, and not before', () => {
  expect(collections(20, 10, 33, 34, 43, 44)).toEqual([34, 44]);
});

test('where more lives it is collected when a third of that has come on top', () => {
  expect(collections(210, 210, 279, 280, 279, 280)).toEqual([280, 280]);
});

test('a large heap is left to V8', () => {
  expect(collections(300, 300, 600, 2000)).toEqual([]);
});

test('what V8 collects by itself counts, too', () => {
  expect(collections(10, 100, 120, 40, 63, 64)).toEqual([64]);
});
