/** README's tables have every option there is, and none that is not. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OptionError, pipeline } from '../../src/index.ts';

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
const wrong = { nonsense: true } as object;

test('the table of run options is complete', () => {
  const known = knownOptions(() => pipeline('p').from([1]).map(Number).start(wrong));
  const told = tableBehind('Of a run').map((option) => option.replace(/\..*/, ''));
  expect(new Set(told)).toEqual(new Set(known));
});

test('the table of operator options is complete', () => {
  const known = knownOptions(() => pipeline('p').from([1]).map(Number, wrong));
  expect(tableBehind('Of an operator').sort()).toEqual([...known].sort());
});

/** The options that the message about a wrong one lists. */
function knownOptions(use: () => unknown): readonly string[] {
  try {
    use();
  } catch (error) {
    if (error instanceof OptionError)
      return error.message.replace(/^.*there are: /, '').split(', ');
    throw error;
  }
  throw new Error('a wrong option was taken');
}

/** The first column of the table that follows a text. */
function tableBehind(text: string): string[] {
  const [, after = ''] = readme.split(text);
  const [table = ''] = /(^\|.*\n)+/m.exec(after) ?? [];
  return [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, option = '']) => option);
}
