import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { layOut, paint, plain, widthOf, type Line } from '../../src/node/terminal-text.ts';

const line: Line = [
  { text: 'ab', style: 'green' },
  { text: '  ' },
  { text: 'cd' },
  { text: '   ' },
];

test('paints styles where there are colours, and never trailing space', () => {
  expect(paint(line, 80, false)).toBe('ab  cd');
  expect(paint(line, 80, true)).toBe('\u001b[32mab\u001b[39m  cd');
});

test('a line that is too wide ends in an ellipsis', () => {
  expect(paint(line, 6, false)).toBe('ab  cd');
  expect(paint(line, 5, false)).toBe('ab  …');
  expect(paint(line, 2, false)).toBe('a…');
  expect(paint(line, 1, false)).toBe('…');
  expect(paint(line, 0, false)).toBe('');
});

test('no painted line is wider than it may be, with colours or without', () => {
  const spans = fc.array(
    fc.record({
      text: fc.string({ unit: 'grapheme' }),
      style: fc.constantFrom('red' as const, undefined),
    }),
  );
  fc.assert(
    fc.property(spans, fc.integer({ min: 0, max: 40 }), (spans, width) => {
      const shown = spans.map(({ text, style }) => ({ text: plain(text), style }));
      expect(widthOf(paint(shown, width, false))).toBeLessThanOrEqual(width);
      expect(stripVTControlCharacters(paint(shown, width, true))).toBe(paint(shown, width, false));
    }),
  );
});

test.for([
  ['abc', 3],
  ['naïve', 5],
  ['漢字', 4],
  ['한글', 4],
  ['🦜', 2],
  ['e\u0301', 1],
  ['● ✔', 3],
] as const)('%s takes %i columns', ([text, width]) => {
  expect(widthOf(text)).toBe(width);
});

test('columns are as wide as their widest cell, within their bounds', () => {
  const rows = [
    [{ text: 'operator' }, { text: 'in' }, { text: 'state' }],
    [{ text: 'a' }, { text: '1' }, { text: 'idle' }],
    [{ text: 'a name that is long' }, { text: '12345' }, { text: '' }],
  ];
  const columns = [
    { align: 'left', most: 10 },
    { align: 'right', least: 3 },
    { align: 'left' },
  ] as const;
  const painted = layOut(columns, rows).map((row) => paint(row, 80, false));
  expect(painted).toEqual([
    'operator       in  state',
    'a               1  idle',
    'a name th…  12345',
  ]);
});

test('text from elsewhere cannot move the cursor or break the line', () => {
  expect(plain('a\u001b[2Jb\nc\u009b1Ad\te')).toBe('ab cd e');
});
