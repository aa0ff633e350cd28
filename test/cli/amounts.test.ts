import { InvalidArgumentError } from 'commander';
import { expect, test } from 'vitest';
import { parseBudget } from '../../src/cli/amounts.ts';

test.for([
  ['cpu=4', { cpu: 4 }],
  ['cpu=0.5,gpu=1', { cpu: 0.5, gpu: 1 }],
  ['memory=2GB,blockBytes=64MB', { memory: 2e9, blockBytes: 64e6 }],
  [
    'a=1B,b=1KB,c=1KiB,d=1.5MiB,e=1GiB,f=1TB,g=1TiB',
    {
      a: 1,
      b: 1000,
      c: 1024,
      d: 1.5 * 1024 ** 2,
      e: 1024 ** 3,
      f: 1e12,
      g: 1024 ** 4,
    },
  ],
  ['blockBytes=64mb', { blockBytes: 64e6 }],
  [' cpu = 4 , memory = 10 MB ', { cpu: 4, memory: 10e6 }],
  ['openai-requests=10/s', { 'openai-requests': { perSecond: 10 } }],
  ['bandwidth=1MB/s', { bandwidth: { perSecond: 1e6 } }],
] as const)('%s is read', ([text, budget]) => {
  expect(parseBudget(text)).toEqual(budget);
});

test('several options add up to one budget', () => {
  expect(parseBudget('gpu=1', parseBudget('cpu=4'))).toEqual({ cpu: 4, gpu: 1 });
});

test.for([
  ['', '"" is not of the form name=amount'],
  ['cpu', '"cpu" is not of the form name=amount'],
  ['=4', '"=4" is not of the form name=amount'],
  ['cpu=', '"cpu=" is not of the form name=amount'],
  ['cpu=4,', '"" is not of the form name=amount'],
  ['cpu=4,cpu=5', '"cpu" is given twice'],
  ['cpu=four', 'the amount of "cpu" is "four"'],
  ['cpu=0', 'the amount of "cpu" is "0"'],
  ['cpu=-1', 'the amount of "cpu" is "-1"'],
  ['cpu=1e3', 'the amount of "cpu" is "1e3"'],
  ['memory=2XB', 'a size in KB, MB, GB, TB, KiB, MiB, GiB or TiB, like 64MB'],
  ['memory=2constructor', 'the amount of "memory" is "2constructor"'],
  ['calls=10/min', 'or a rate, like 10/s'],
] as const)('%j is refused, and said why', ([text, message]) => {
  expect(() => parseBudget(text)).toThrow(InvalidArgumentError);
  expect(() => parseBudget(text)).toThrow(message);
});
