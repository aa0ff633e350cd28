import { describe, expect, test } from 'vitest';
import { readerSource } from '../../actors/sources.ts';
import type {
  RowErrors,
  StatefulProgram,
  StatefulTransform,
  TransformContext,
} from '../../actors/transform.ts';
import type { RunnerOpened } from '../../machines/hands.protocol.ts';
import { recorder } from '../machines/support/recorder.ts';
import { harness, PLENTY, programOf } from './support/runner.ts';

function sourceOf(...splits: readonly unknown[]) {
  return readerSource({
    splits: () => splits,
    *read(split) {
      yield [split];
    },
  });
}

/** A stateful transform that notes what happens to it. */
function noting(notes: string[], name: string, parts: Partial<StatefulProgram> = {}) {
  const transform: StatefulTransform = {
    kind: 'stateful',
    create: () => {
      notes.push(`create ${name}`);
      return {
        open: () => {
          notes.push(`open ${name}`);
        },
        take: () => ({ satisfied: false }),
        close: (outcome, reason) => {
          notes.push(`close ${name} ${outcome} ${String(reason)}`);
        },
        ...parts,
      };
    },
  };
  return transform;
}

function splitsOf(
  opened: RunnerOpened | undefined,
): Extract<RunnerOpened, { type: 'runner.opened' }>['splits'] {
  if (opened?.type !== 'runner.opened') throw new Error('it was not opened');
  return opened.splits;
}

describe('opening', () => {
  test('lists what the sources have to read, as blocks of one split nobody is charged for', async () => {
    const { open, store } = harness([
      programOf(sourceOf('only'), { index: 0 }),
      programOf((rows) => rows, { index: 1 }),
      programOf(sourceOf('a', 'b'), { index: 2 }),
    ]);
    const splits = splitsOf(await open());
    expect([...splits.keys()]).toEqual([0, 2]);
    const refs = [...splits.values()].flat();
    expect(refs).toMatchObject([
      { lineage: '0', producer: -1, numRows: 1, sizeBytes: 0 },
      { lineage: '1.0' },
      { lineage: '1.1' },
    ]);
    expect(refs.map((ref) => store.get(ref).rows)).toEqual([['only'], ['a'], ['b']]);
  });

  test('reads a split as a source does', async () => {
    const { open, run, env } = harness([programOf(sourceOf('a', 'b'))]);
    const refs = splitsOf(await open()).get(0) ?? [];
    const watched = run(refs);
    await env.advance();
    expect(watched.blocks()).toEqual([['a'], ['b']]);
    expect(watched.refs().map(({ lineage }) => lineage)).toEqual(['0.0.0', '0.1.0']);
  });

  test('reads a split block by block, even when its blocks are there already', async () => {
    const { run, env } = harness([
      programOf(
        readerSource({
          splits: () => ['only'],
          read: () => [
            [1, 2],
            [3, 4],
          ],
        }),
      ),
    ]);
    const watched = run([['only']]);
    await env.advance();
    expect(watched.blocks()).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test('a source may have nothing to read', async () => {
    const { open } = harness([programOf(sourceOf())]);
    expect(splitsOf(await open())).toEqual(new Map([[0, []]]));
  });

  test('makes and opens one instance of each transform that remembers, in the order of the plan', async () => {
    const notes: string[] = [];
    const { open } = harness([
      programOf(noting(notes, 'first'), { index: 0 }),
      programOf(noting(notes, 'second'), { index: 1 }),
    ]);
    await open();
    expect(notes).toEqual(['create first', 'open first', 'create second', 'open second']);
  });

  test('is refused when a source cannot say what there is to read, and nothing is kept', async () => {
    const error = new Error('no such directory');
    const { open, store } = harness([
      programOf(sourceOf('a', 'b'), { index: 0 }),
      programOf(readerSource({ splits: () => Promise.reject(error), read: () => [] }), {
        index: 1,
      }),
    ]);
    expect(await open()).toEqual({ type: 'runner.refused', now: 0, operator: 1, error });
    expect(store.usage.blocks).toBe(0);
  });

  test('is refused when a sink cannot be opened, and the sink is closed nevertheless', async () => {
    const notes: string[] = [];
    const error = new Error('disk full');
    const failing = noting(notes, 'sink', { open: () => Promise.reject(error) });
    const { open, close } = harness([
      programOf(noting(notes, 'other'), { index: 0 }),
      programOf(failing, { index: 1 }),
      programOf(noting(notes, 'never'), { index: 2 }),
    ]);
    expect(await open()).toMatchObject({ type: 'runner.refused', operator: 1, error });
    await close('failed', 'why');
    expect(notes).toEqual([
      'create other',
      'open other',
      'create sink',
      'close other failed why',
      'close sink failed why',
    ]);
  });
});

describe('closing', () => {
  test('tells each instance once how the run ended', async () => {
    const notes: string[] = [];
    const { open, close } = harness([programOf(noting(notes, 'sink'))]);
    await open();
    expect(await close('done')).toEqual({ type: 'runner.closed', now: 0, failures: [] });
    await close('cancelled');
    expect(notes.slice(2)).toEqual(['close sink done undefined']);
  });

  test('closes all of them even when one fails, and tells who failed', async () => {
    const notes: string[] = [];
    const error = new Error('cannot commit');
    const { open, close } = harness([
      programOf(noting(notes, 'first', { close: () => Promise.reject(error) }), { index: 0 }),
      programOf(noting(notes, 'second'), { index: 1 }),
    ]);
    await open();
    expect(await close('done')).toMatchObject({ failures: [{ operator: 0, error }] });
    expect(notes.at(-1)).toBe('close second done undefined');
  });

  test('tells a source that is still being listed, and answers nobody for it', async () => {
    let reason: unknown;
    const { env, runner, close, store } = harness([
      programOf(sourceOf('a'), { index: 0 }),
      programOf(
        readerSource({
          splits: (signal) =>
            new Promise<never>((_resolve, reject) => {
              signal.addEventListener('abort', () => {
                reason = signal.reason;
                reject(new Error('aborted'));
              });
            }),
          read: () => [],
        }),
        { index: 1 },
      ),
    ]);
    const opened = recorder<RunnerOpened>();
    runner.receive({ type: 'runner.open', replyTo: opened.address });
    await env.advance();
    await close('cancelled', 'enough');
    await env.advance();
    expect(reason).toBe('enough');
    expect(opened.messages).toEqual([]);
    expect(store.usage.blocks).toBe(0);
  });

  test('leaves nothing open when it comes while sources are still being listed', async () => {
    const notes: string[] = [];
    const sim = harness([
      programOf(
        readerSource({
          splits: async () => {
            await sim.env.sleep(100);
            return ['late'];
          },
          read: () => [],
        }),
        { index: 0 },
      ),
      programOf(noting(notes, 'sink'), { index: 1 }),
    ]);
    const opened = recorder<RunnerOpened>();
    sim.runner.receive({ type: 'runner.open', replyTo: opened.address });
    await sim.env.advance(50);
    await sim.close('cancelled', 'enough');
    await sim.env.advance();
    const opens = notes.filter((note) => note.startsWith('open'));
    const closes = notes.filter((note) => note.startsWith('close'));
    expect(closes).toHaveLength(opens.length);
  });
});

describe('runs', () => {
  test('begin in the next macrotask, all together', async () => {
    const seen: number[] = [];
    const { run, env } = harness([
      programOf((rows: number[]) => {
        seen.push(...rows);
        return rows;
      }),
    ]);
    run([[1]]);
    run([[2]]);
    expect(env.pending()).toBe(1);
    await Promise.resolve();
    expect(seen).toEqual([]);
    await env.advance(0);
    expect(seen).toEqual([1, 2]);
  });

  test('are reported once a macrotask, with all that is ready', async () => {
    const { run, env } = harness([
      programOf(function* (rows: number[]) {
        for (const row of rows) yield [row];
      }),
    ]);
    const watched = run([[1, 2, 3], [4]]);
    await env.advance();
    expect(watched.reports.messages).toHaveLength(1);
    expect(watched.end()).toMatchObject({ type: 'run.end', consumed: 2 });
    expect(watched.blocks()).toEqual([[1], [2], [3], [4]]);
  });

  test('report while they go on, as soon as there is something', async () => {
    const sim = harness([
      programOf(async function* (rows: number[]) {
        for (const row of rows) {
          yield [row];
          await sim.env.sleep(10);
        }
      }),
    ]);
    const watched = sim.run([[1, 2]]);
    await sim.env.advance(5);
    expect(watched.blocks()).toEqual([[1]]);
    expect(watched.last()?.type).toBe('run.progress');
    await sim.env.advance();
    expect(watched.blocks()).toEqual([[1], [2]]);
  });

  test('of several tasks go side by side', async () => {
    const sim = harness([
      programOf(async (rows: number[]) => {
        await sim.env.sleep(10);
        return rows;
      }),
    ]);
    const watched = [sim.run([[1]]), sim.run([[2]], { task: 1 }), sim.run([[3]], { task: 2 })];
    await sim.env.advance(10);
    expect(watched.map(({ blocks }) => blocks())).toEqual([[[1]], [[2]], [[3]]]);
  });

  test('that are over hear no more: credit and cancels for them reach no other', async () => {
    const signals: AbortSignal[] = [];
    const sim = harness([
      programOf(async (rows: number[], { signal }: TransformContext) => {
        signals.push(signal);
        await sim.env.sleep(10);
        return rows;
      }),
    ]);
    const first = sim.run([[1]]);
    await sim.env.advance();
    // The next run of the same task.
    const second = sim.run([[2]], { replyTo: first.replyTo, credit: { blocks: 0, bytes: 0 } });
    await sim.env.advance(0);
    first.credit(PLENTY);
    await sim.env.advance();
    expect(signals).toHaveLength(1);
    second.credit(PLENTY);
    await sim.env.advance(5);
    first.cancel('too late');
    first.finish();
    await sim.env.advance();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    expect(first.blocks()).toEqual([[1], [2]]);
  });

  test('of an operator that is not there are a mistake', () => {
    const { run } = harness([]);
    expect(() => run([[1]])).toThrow('no operator 0');
  });
});

describe('a source that is told to read no more', () => {
  test('ends, and what it has yielded is out', async () => {
    const seen: unknown[] = [];
    const sim = harness([
      programOf(
        readerSource<number, string>({
          splits: () => ['only'],
          async *read(_split, { signal }) {
            signal.addEventListener('abort', () => {
              seen.push(signal.reason);
            });
            for (let row = 1; ; row++) {
              yield [row];
              await sim.env.sleep(10);
            }
          },
        }),
      ),
    ]);
    const watched = sim.run([['only']]);
    await sim.env.advance(15);
    watched.finish();
    watched.finish();
    await sim.env.advance();
    expect(watched.end().type).toBe('run.end');
    // The third row was on its way already.
    expect(watched.blocks()).toEqual([[1], [2], [3]]);
    expect(seen).toHaveLength(1);
    expect(sim.env.pending()).toBe(0);
  });

  test('may say so by throwing', async () => {
    const { env, run } = harness([
      programOf(
        readerSource({
          splits: () => ['only'],
          read: (_split, { signal }) => ({
            [Symbol.asyncIterator]: () => ({
              next: () =>
                new Promise<IteratorResult<number[]>>((_resolve, reject) => {
                  signal.addEventListener('abort', () => {
                    reject(signal.reason as Error);
                  });
                }),
            }),
          }),
        }),
      ),
    ]);
    const watched = run([['only']]);
    await env.advance();
    watched.finish();
    await env.advance();
    expect(watched.end().type).toBe('run.end');
  });

  test('is left to itself when it does not hear', async () => {
    const { env, run } = harness([
      programOf(
        readerSource({
          splits: () => ['only'],
          read: () => ({
            [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }),
          }),
        }),
      ),
    ]);
    const watched = run([['only']]);
    await env.advance();
    watched.finish();
    await env.advance();
    expect(watched.end().type).toBe('run.end');
  });

  test('keeps what it has read until there is credit, however long that takes, and is returned', async () => {
    let returned = 0;
    const sim = harness([
      programOf(
        readerSource({
          splits: () => ['only'],
          *read() {
            try {
              for (let row = 1; ; row++) yield [row, row];
            } finally {
              returned += 1;
            }
          },
        }),
      ),
    ]);
    const watched = sim.run([['only']], { credit: { blocks: 2, bytes: 20 } });
    await sim.env.advance();
    expect(watched.blocks()).toEqual([[1, 1]]);
    watched.finish();
    await sim.env.advance(10_000);
    expect(returned).toBe(0);
    watched.credit(PLENTY);
    await sim.env.advance();
    expect(watched.end().type).toBe('run.end');
    expect(watched.blocks()).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(returned).toBe(1);
    expect(sim.env.pending()).toBe(0);
  });

  test('that does not end when there is credit again is left to itself', async () => {
    const sim = harness([
      programOf(
        readerSource({
          splits: () => ['only'],
          read: () => ({
            [Symbol.asyncIterator]: () => ({
              next: () => Promise.resolve({ done: false, value: [1] }),
              return: () => new Promise<never>(() => undefined),
            }),
          }),
        }),
      ),
    ]);
    const watched = sim.run([['only']], { credit: { blocks: 1, bytes: 8 } });
    await sim.env.advance();
    watched.finish();
    await sim.env.advance(10_000);
    expect(watched.last()?.type).toBe('run.progress');
    watched.credit(PLENTY);
    await sim.env.advance();
    expect(watched.end().type).toBe('run.end');
    expect(sim.env.pending()).toBe(0);
  });

  test('leaves no timer behind when it is cancelled on top of it', async () => {
    const sim = harness([
      programOf(
        readerSource({
          splits: () => ['only'],
          read: async function* () {
            await sim.env.sleep(100);
            yield [1];
          },
        }),
      ),
    ]);
    const watched = sim.run([['only']]);
    await sim.env.advance(10);
    watched.finish();
    watched.cancel('enough');
    await sim.env.advance(100);
    expect(watched.end().type).toBe('run.end');
    expect(sim.env.pending()).toBe(0);
  });

  test('does not end when it is no source', async () => {
    const sim = harness([
      programOf(async (rows: number[]) => {
        await sim.env.sleep(10);
        return rows;
      }),
    ]);
    const watched = sim.run([[1], [2]]);
    await sim.env.advance(5);
    watched.finish();
    await sim.env.advance();
    expect(watched.blocks()).toEqual([[1], [2]]);
  });
});

describe('a row that may be given up', () => {
  const rowwise = programOf(
    {
      kind: 'blocks',
      call: (rows: number[], _context: TransformContext, rowErrors: RowErrors) => {
        const kept: number[] = [];
        rows.forEach((row, index) => {
          if (row < 0) rowErrors.handle(new Error(`bad ${String(row)}`), row, index);
          else kept.push(row);
        });
        return kept;
      },
    },
    { onRowError: 'deadLetter' },
  );

  test('is told when its block is done with, and handed out', async () => {
    const { env, run, deadRows } = harness([rowwise]);
    const watched = run([[1, -2, 3], [-4]]);
    await env.advance();
    expect(watched.blocks()).toEqual([[1, 3]]);
    expect(watched.end()).toMatchObject({
      type: 'run.end',
      droppedRows: [
        { operator: 'work', lineage: '0', row: 1, attempts: 1, cause: new Error('bad -2') },
        { operator: 'work', lineage: '1', row: 0, attempts: 1, cause: new Error('bad -4') },
      ],
    });
    expect(deadRows.map(({ row }) => row)).toEqual([-2, -4]);
  });

  test('is only told, when it is to be skipped', async () => {
    const { env, run, deadRows } = harness([{ ...rowwise, onRowError: 'skip' }]);
    const watched = run([[-1]]);
    await env.advance();
    expect(watched.end().droppedRows).toHaveLength(1);
    expect(deadRows).toEqual([]);
  });

  test('fails its block, when that is the policy', async () => {
    const { env, run } = harness([{ ...rowwise, onRowError: 'fail' }]);
    const watched = run([[-1]]);
    await env.advance();
    expect(watched.end()).toMatchObject({ type: 'run.error', droppedRows: [] });
  });

  test('is given up only at the last attempt', async () => {
    const { env, run, deadRows } = harness([{ ...rowwise, retries: 1, retryDelay: () => 5 }]);
    const first = run([[1, -2]], { attempt: 1 });
    await env.advance();
    expect(first.end()).toMatchObject({ type: 'run.error', retryAfter: 5, droppedRows: [] });
    const second = run([[1, -2]], { attempt: 2 });
    await env.advance();
    expect(second.end()).toMatchObject({ type: 'run.end', droppedRows: [{ attempts: 2 }] });
    expect(deadRows).toHaveLength(1);
  });

  test('is told once even when its block fails after it', async () => {
    const { env, run, deadRows } = harness([
      programOf(
        {
          kind: 'blocks',
          call: (rows: number[], { attempt }: TransformContext, rowErrors: RowErrors) => {
            rowErrors.handle(new Error('bad'), rows[0], 0);
            if (attempt === 1) throw new Error('no');
            return [];
          },
        },
        { onRowError: 'deadLetter' },
      ),
    ]);
    const first = run([[1]], { attempt: 1 });
    await env.advance();
    expect(first.end()).toMatchObject({ type: 'run.error', droppedRows: [] });
    run([[1]], { attempt: 2 });
    await env.advance();
    expect(deadRows).toHaveLength(1);
  });
});

describe('rows that others will see', () => {
  const spoil = programOf((rows: number[]) => {
    rows.push(99);
    return rows;
  });

  test('cannot be changed, when another branch holds their block', async () => {
    const { env, run, put, store } = harness([spoil]);
    const ref = put([1]);
    store.retain(ref);
    const watched = run([ref]);
    await env.advance();
    expect(watched.end()).toMatchObject({
      type: 'run.error',
      error: expect.any(TypeError) as unknown,
    });
    expect(store.get(ref).rows).toEqual([1]);
  });

  test('cannot be changed, when another attempt may follow', async () => {
    const { env, run } = harness([{ ...spoil, retries: 1 }]);
    const watched = run([[1]]);
    await env.advance();
    expect(watched.end().type).toBe('run.error');
  });

  test('may be changed, when nobody else will see them', async () => {
    const { env, run } = harness([spoil]);
    const watched = run([[1]]);
    await env.advance();
    expect(watched.blocks()).toEqual([[1, 99]]);
  });
});

describe('when its actors are gone', () => {
  test('what runs is cancelled, reports no more, and everything is closed', async () => {
    const notes: string[] = [];
    const sim = harness([
      programOf(noting(notes, 'sink'), { index: 0 }),
      programOf(
        async (rows: number[], { signal }: TransformContext) => {
          await new Promise((resolve) => {
            signal.addEventListener('abort', resolve);
          });
          notes.push(`aborted ${String(signal.reason)}`);
          return rows;
        },
        { index: 1 },
      ),
    ]);
    await sim.open();
    const watched = sim.run([[1]], { operator: 1 });
    await sim.env.advance();
    sim.runner.dispose('gone');
    sim.runner.dispose('twice');
    await sim.env.advance();
    expect(notes.slice(2).sort()).toEqual(['aborted gone', 'close sink cancelled gone']);
    expect(watched.reports.messages).toEqual([]);
    expect(sim.env.pending()).toBe(0);
  });
});
