/** Which buffers the inputs of one message have in common. */
import { describe, expect, test } from 'vitest';
import type { BlockMessage } from '../../actors/block.ts';
import { createCompany } from '../../actors/workers/company.ts';

const message = (...rows: readonly unknown[]): BlockMessage => ({
  kind: 'rows',
  rows,
  sizeBytes: 1,
});

describe('a buffer', () => {
  const mine = new Uint8Array(8);
  const ours = new Uint8Array(8);

  test('is shared when several inputs have it, however deep, whole or in part', () => {
    const company = createCompany([
      message(mine, { deep: [ours] }),
      message(1, new Map([['part', ours.subarray(2, 4)]])),
    ]);
    expect([company.isShared(ours.buffer), company.isShared(mine.buffer)]).toEqual([true, false]);
  });

  test('is not shared by the rows of one input', () => {
    const company = createCompany([message(mine, mine), message(1)]);
    expect(company.isShared(mine.buffer)).toBe(false);
  });

  test('is not shared any more with an input that has left before anything was moved', () => {
    const gone = message(ours);
    const company = createCompany([gone, message(ours), message(mine)]);
    company.leave(gone);
    expect(company.isShared(ours.buffer)).toBe(false);
  });

  test('stays shared when inputs leave later: it may be on its way as a copy', () => {
    const inputs = [message(ours), message(ours)];
    const company = createCompany(inputs);
    expect(company.isShared(ours.buffer)).toBe(true);
    inputs.forEach(company.leave);
    expect(company.isShared(ours.buffer)).toBe(true);
  });

  test('is nobody else’s in an input that has come alone', () => {
    expect(createCompany([message(ours, ours)]).isShared(ours.buffer)).toBe(false);
  });
});
