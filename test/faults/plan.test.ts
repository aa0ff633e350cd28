/** Faults of plans. The ids are those of the table in docs/reliability.md. */
import { expect, test } from 'vitest';
import { OptionError, pipeline, PlanError } from '../../src/index.ts';
import { ended } from './support.ts';

test('F36: a pipeline that is not connected to its end, or to itself, is refused with the path', () => {
  const flow = pipeline('parts').from([1]);
  const [kept, forgotten] = flow.tee();
  expect(forgotten.name).toBe('parts');
  expect(() => kept.map((row) => row).start()).toThrow(PlanError);
});

test.each(['a/b', 'a.b', '#1', 'constructor', '../up', '%2e', '<b>', 'señal', '🙂'])(
  'F37: %s is a name like any other: in the report, the snapshot and the trace',
  async (name) => {
    const operators = new Set<string>();
    const { rows, run } = await ended((env) =>
      pipeline('names')
        .from([1, 2])
        .map((row) => row, { name })
        .start({
          env,
          onEvent: (event) => {
            if (event.type === 'block.produced') operators.add(event.operator);
          },
        }),
    );
    expect(rows).toEqual([1, 2]);
    expect((await run.done).operators[name]?.rowsOut).toBe(2);
    expect(run.snapshot().operators[name]?.state).toBe('completed');
    expect(run.explain(name).operator).toBe(name);
    expect(operators.has(name)).toBe(true);
  },
);

test('F37: an operator may be called as an actor that every run has: nobody is overwritten', async () => {
  const names = ['runner', 'store', 'clock', 'outlet', 'resource', 'store*'];
  const actors: string[] = [];
  const senders = new Set<string | undefined>();
  const { rows } = await ended((env) =>
    names
      .reduce((flow, name) => flow.map((row) => row + 1, { name }), pipeline('names').from([1, 2]))
      .start({
        env,
        onEvent: (event) => {
          if (event.type === 'actor.started') actors.push(event.actor);
          if (event.type === 'message') senders.add(event.from);
        },
      }),
  );
  expect(rows).toEqual([7, 8]);
  const children = actors.filter((path) => path.split('/').length === 2);
  expect(new Set(children).size).toBe(children.length);
  expect(children).toEqual(
    expect.arrayContaining([
      ...names.map((name) => `names/${name}`),
      ...['runner*', 'store**', 'clock*', 'outlet*', 'resource*'].map((id) => `names/${id}`),
    ]),
  );
  for (const sender of senders) if (sender !== undefined) expect(actors).toContain(sender);
});

test('F37: a name of a megabyte, an empty one and __proto__ are refused', () => {
  for (const name of ['x'.repeat(1_000_000), '', '__proto__']) {
    expect(() =>
      pipeline('names')
        .from([1])
        .map((row) => row, { name }),
    ).toThrow(OptionError);
  }
});

test('F60: keys like __proto__ in rows are data, and in options are refused', async () => {
  const before = Object.getOwnPropertyNames(Object.prototype).join();
  const row = JSON.parse('{ "__proto__": { "polluted": true }, "constructor": 1 }') as object;
  const { rows } = await ended((env) =>
    pipeline('keys')
      .from([row, row], { rowsPerBlock: 1 })
      .map((value) => value, { retries: 1 })
      .batch({ rows: 2 })
      .start({ env }),
  );
  expect(rows.map((value) => JSON.stringify(value))).toEqual([
    JSON.stringify(row),
    JSON.stringify(row),
  ]);
  const options = JSON.parse('{ "__proto__": { "retries": 5 } }') as object;
  expect(() =>
    pipeline('keys')
      .from([1])
      .map((value) => value, options),
  ).toThrow(OptionError);
  expect(Object.getOwnPropertyNames(Object.prototype).join()).toBe(before);
});
