/** The table of faults says what is tested: each of its rows is in the name of a test, and the other way round. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

test('every fault of docs/reliability.md has a test by its name, and every such test has its row', () => {
  const page = readFileSync(join(root, 'docs/reliability.md'), 'utf8');
  const rows = [...page.matchAll(/^\| (F\d\d) \|/gm)].map(([, id]) => id);
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
  const named = files
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(root, 'test', file), 'utf8'))
    .flatMap((text) => [...text.matchAll(/['"`]((?:F\d\d, )*F\d\d): /g)])
    .flatMap(([, ids = '']) => ids.split(', '));
  expect(new Set(rows).size).toBe(rows.length);
  expect([...new Set(named)].sort()).toEqual(rows.sort());
});
