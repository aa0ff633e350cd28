/** `cpu=4,memory=2GB,calls=10/s`: a budget, and a port, as they are written on a command line. */
import { InvalidArgumentError } from 'commander';
import type { Budget, Rate } from '../budget.ts';

const SIZES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/**
 * Adds the amounts of one `--budget` to those of the ones before it.
 * @throws InvalidArgumentError that says what is wrong with which of them.
 */
export function parseBudget(text: string, before: Budget = {}): Budget {
  const budget = new Map(Object.entries(before));
  for (const part of text.split(',')) {
    const [, name = '', amount = ''] = /^\s*([^=\s]+)\s*=\s*(.+?)\s*$/.exec(part) ?? [];
    if (name === '') {
      throw new InvalidArgumentError(`"${part}" is not of the form name=amount, like cpu=4.`);
    }
    if (budget.has(name)) throw new InvalidArgumentError(`"${name}" is given twice.`);
    budget.set(name, parseAmount(name, amount));
  }
  return Object.fromEntries(budget);
}

/** @throws InvalidArgumentError when it is no port. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('a port is a whole number from 0 to 65535.');
}

/** A number, a size in bytes, or a rate. */
function parseAmount(name: string, text: string): number | Rate {
  const rate = /^(.+)\/s$/.exec(text)?.[1];
  if (rate !== undefined) return { perSecond: parseNumber(name, rate) };
  return parseNumber(name, text);
}

function parseNumber(name: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text) ?? [];
  const factor = unit === '' ? 1 : SIZES[unit.toLowerCase()];
  const amount = Number(digits) * (factor ?? Number.NaN);
  if (digits !== '' && amount > 0 && Number.isFinite(amount)) return amount;
  throw new InvalidArgumentError(
    `the amount of "${name}" is "${text}"; it must be a number above 0, like 4 or 0.5, a size in KB, MB, GB, TB, KiB, MiB, GiB or TiB, like 64MB, or a rate, like 10/s.`,
  );
}
