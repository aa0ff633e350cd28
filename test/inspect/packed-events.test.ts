/** Events on their way to a viewer: what is unpacked is what was packed, and it is less. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { simEnv } from '../../actors/sim-env.ts';
import type { RunEvent } from '../../machines/run-event.ts';
import { pipeline } from '../../src/index.ts';
import { modelOf } from '../../src/inspect/export/index.ts';
import { createPacker, createUnpacker } from '../../src/inspect/packed-events.ts';

const events: RunEvent[] = [];
const env = simEnv();
const run = pipeline('packed')
  .fromBlocks(Array.from({ length: 20 }, (_, row) => [row]))
  .mapBlocks(
    async (rows: number[], { attempt }) => {
      await env.sleep(10);
      if (attempt === 1 && rows[0] === 7) throw new Error('bad');
      return rows;
    },
    { name: 'work', maxConcurrency: 3, retries: 1 },
  )
  .mapBlocks((rows) => rows, { name: 'work/2' })
  .start({ env, onEvent: (event) => events.push(event) });
await env.drive(run.drain());

const sent = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('events that were packed', () => {
  test('are the same again, wherever both sides begin anew', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(events.length - 1), { maxLength: 4 }), (resets) => {
        const packer = createPacker();
        const unpacker = createUnpacker();
        const unpacked = events.map((event, index) => {
          if (resets.includes(index)) {
            const model = modelOf(events.slice(0, index));
            packer.reset(model);
            unpacker.reset(sent(model));
          }
          return unpacker.unpack(sent(packer.pack(event)));
        });
        expect(unpacked).toEqual(sent(events));
      }),
      { numRuns: 20 },
    );
  });

  test('are the same again when figures come and go', () => {
    const found = events.find((event) => event.type === 'operator.changed');
    if (found?.type !== 'operator.changed') throw new Error('no operator has changed');
    const { figures } = found;
    const numbers = fc.nat();
    const changes = fc.record(
      {
        in: fc.array(numbers, { maxLength: 3 }),
        active: numbers,
        busyMs: fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }),
        bundle: numbers,
        blockMs: fc.option(numbers, { nil: undefined }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(changes, { minLength: 1, maxLength: 20 }), (all) => {
        const packer = createPacker();
        const unpacker = createUnpacker();
        all.forEach((change, seq) => {
          const event = { ...found, seq, figures: { ...figures, ...change } } as RunEvent;
          expect(unpacker.unpack(sent(packer.pack(event)))).toEqual(sent(event));
        });
      }),
    );
  });

  test('say of an operator what has changed, and the rest once', () => {
    const packer = createPacker();
    const changed = events.filter(({ type }) => type === 'operator.changed');
    const packed = changed.map(packer.pack);
    expect(packed.filter((one) => !Array.isArray(one)).length).toBe(3);
    const ratio = JSON.stringify(packed).length / JSON.stringify(changed).length;
    expect(ratio).toBeLessThan(0.4);
  });
});
