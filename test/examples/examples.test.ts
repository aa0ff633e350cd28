import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { program } from '../cli/child.ts';

const root = join(import.meta.dirname, '../..');

test.concurrent('the seed demo prints what happens, and blocks of 2 * x + 10', async () => {
  const { code, stdout, stderr } = await program('examples/seed-demo.ts').ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.trimEnd().split('\n');
  expect(lines.slice(-4)).toEqual([
    'Block 0: [12, 14, 16]',
    'Block 1: [18, 20, 22]',
    'Block 2: [24, 26, 28]',
    'Block 3: [30, 32, 34]',
  ]);
  for (const operator of ['MultiplyOperator', 'AddOperator']) {
    expect(lines.filter((line) => line === `Dispatch: ${operator} +1`)).toHaveLength(4);
    for (const task of [0, 1, 2, 3]) {
      const yielded = lines.indexOf(`[${operator}] #${String(task)} yield`);
      expect(yielded).toBeGreaterThan(0);
      expect(lines.indexOf(`[${operator}] #${String(task)} done`)).toBeGreaterThan(yielded);
    }
  }
  const counts = 'in=(\\d+) act=(\\d+) out=(\\d+) done=(\\d+)';
  const status = new RegExp(
    `^Status: MultiplyOperator\\[${counts}\\] \\| AddOperator\\[${counts}\\]$`,
  );
  const statuses = lines.filter((line) => line.startsWith('Status: '));
  const seen = statuses.map((line) => (status.exec(line) ?? []).slice(1).map(Number));
  expect(seen.length).toBeGreaterThan(3);
  for (const numbers of seen) expect(numbers).toHaveLength(8);
  for (const [, multiplying = 0, , , , adding = 0] of seen) {
    expect(multiplying).toBeLessThanOrEqual(2);
    expect(adding).toBeLessThanOrEqual(2);
    expect(multiplying + adding).toBeLessThanOrEqual(3);
  }
  expect(statuses.at(-1)).toBe(
    'Status: MultiplyOperator[in=0 act=0 out=0 done=4] | AddOperator[in=0 act=0 out=0 done=4]',
  );
  // Streaming: adding begins before multiplying is done.
  expect(lines.indexOf('Dispatch: AddOperator +1')).toBeLessThan(
    lines.indexOf('[MultiplyOperator] #3 done'),
  );
});

test.concurrent('the birdstrikes example reads, adds up and writes the bills', async () => {
  const { code, stdout, stderr } = await program('examples/birdstrikes.ts').ended;
  expect(code).toBe(0);
  expect(stderr).toMatch(/^✔ birdstrikes done in .*: 10,001 rows read, 33 rows written/m);
  expect(stdout).toContain('wrote 33 bills to out/birdstrikes.jsonl');
  expect(stdout).toContain('29,477,419  Canada goose, 190 strikes');
  expect(stdout).toMatch(/toBills is completed; so far running \d+ %/);
  const written = readFileSync(join(root, 'out/birdstrikes.jsonl'), 'utf8').trimEnd().split('\n');
  const bills = written.map((line) => JSON.parse(line) as { strikes: number; dollars: number });
  expect(bills).toHaveLength(33);
  expect(bills.reduce((sum, { strikes }) => sum + strikes, 0)).toBe(1991);
  const dollars = bills.map((bill) => bill.dollars);
  expect(dollars).toEqual([...dollars].sort((a, b) => b - a));
  expect(readdirSync(join(root, 'out')).filter((file) => file.endsWith('.partial'))).toEqual([]);
});

test('npm start runs an example there is', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: { start: string };
  };
  const [, file = ''] = /^tsx examples\/(\S+)$/.exec(scripts.start) ?? [];
  expect(readdirSync(join(root, 'examples'))).toContain(file);
});
