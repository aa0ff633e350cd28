/** Chance that depends on what is asked, not on when: the same question has the same answer. */
import { seededRandom } from '../../src/testing.ts';

/** A number from 0 to 1 that belongs to these keys. */
export function chance(...keys: readonly (string | number)[]): number {
  let hash = 2166136261;
  const text = keys.join('|');
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 16777619);
  }
  return seededRandom(hash)();
}

/** Picks from a stream of random numbers. */
export interface Picker {
  readonly number: () => number;
  readonly integer: (least: number, most: number) => number;
  readonly of: <T>(...items: readonly T[]) => T;
  /** True with that probability. */
  readonly maybe: (probability: number) => boolean;
}

export function picker(seed: number): Picker {
  const number = seededRandom(seed);
  const integer = (least: number, most: number): number =>
    least + Math.floor(number() * (most - least + 1));
  return {
    number,
    integer,
    of: (...items) => items[integer(0, items.length - 1)] as (typeof items)[number],
    maybe: (probability) => number() < probability,
  };
}
