/** Recordings: what is written is what is read, and nothing else is. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { simEnv } from '../../actors/sim-env.ts';
import { FormatError } from '../../machines/errors.ts';
import type { RunEvent } from '../../machines/run-event.ts';
import { pipeline, type Run } from '../../src/index.ts';
import { parseRecording } from '../../src/inspect/recording.ts';
import { recordingSource } from '../../src/inspect/recording-source.ts';
import { openRecording } from '../../src/inspect/server/index.ts';
import { recordEvents } from '../../src/inspect/server/recording-file.ts';
// What `run.record` loads when it is called: a run as short as these could be over by then.
import '../../src/node-tools.ts';

let folder: string;
let text: string;
let events: readonly RunEvent[];

function smallRun(): Run<number> {
  return pipeline('recorded')
    .fromBlocks([[1], [2], [3]])
    .mapBlocks(
      (rows: number[], { log }): number[] => {
        log('token=abc', rows);
        return rows;
      },
      { name: 'double' },
    )
    .start();
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-recording-'));
  const run = smallRun();
  const path = join(folder, 'whole.run');
  const seen: RunEvent[] = [];
  run.trace.subscribe((event) => seen.push(event));
  const recording = await run.record(path);
  await run.collect();
  await recording.done;
  text = gunzipSync(await readFile(path)).toString('utf8');
  events = seen;
});

afterAll(() => rm(folder, { recursive: true }));

const lines = (): string[] => text.trimEnd().split('\n');

describe('a recording', () => {
  test('has all events of the run to its end, and is smaller than they are', async () => {
    const { header, events: read, isPartial } = await openRecording(join(folder, 'whole.run'));
    expect(header).toMatchObject({ format: 'sluice-recording', version: 1, name: 'recorded' });
    expect(Math.abs(header.startedAt - Date.now())).toBeLessThan(600_000);
    expect(isPartial).toBe(false);
    expect(read.at(-1)).toMatchObject({ type: 'run.ended', status: 'done' });
    expect(events.at(-1)).toMatchObject({ type: 'run.ended', status: 'done' });
    expect(read.map(({ seq }) => seq)).toEqual(read.map((_event, index) => index));
    const { size } = await stat(join(folder, 'whole.run'));
    expect(size).toBeLessThan(text.length / 4);
  });

  test('has no secrets of texts in it, unless they are asked for', async () => {
    expect(text).toContain('token=[redacted]');
    expect(text).not.toContain('token=abc');
    const run = smallRun();
    const recording = await run.record(join(folder, 'plain.run'), { redact: false });
    await run.collect();
    await recording.done;
    const plain = await openRecording(join(folder, 'plain.run'));
    expect(JSON.stringify(plain.events)).toContain('token=abc');
  });

  test('can be shown: every panel of it, at any moment', async () => {
    const source = recordingSource(await openRecording(join(folder, 'whole.run')));
    expect(source.status.kind).toBe('ended');
    expect(source.model.end?.status).toBe('done');
    expect(source.model.operators.map(({ name }) => name)).toEqual(['source', 'double']);
    const past = await source.modelAt(source.range.to / 2);
    expect(past.at).toBe(source.range.to / 2);
    expect(past.end).toBeUndefined();
    await expect(source.value('recorded')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(source.command({ type: 'hold' })).rejects.toMatchObject({ code: 'RUN' });
  });

  test('of a run that is over already has what there is of it', async () => {
    const run = smallRun();
    await run.collect();
    const recording = await run.record(join(folder, 'late.run'));
    await recording.done;
    const { events: read, isPartial } = await openRecording(join(folder, 'late.run'));
    expect(isPartial).toBe(false);
    expect(read[0]?.type).toBe('run.started');
  });

  test('can be stopped before the run is over', async () => {
    const env = simEnv();
    const run = pipeline('long')
      .from([1, 2, 3])
      .map(async (row: number) => {
        await env.sleep(1000);
        return row;
      })
      .start({ env });
    void run.drain();
    const recording = await run.record(join(folder, 'partial.run'));
    await env.advance(500);
    await recording.stop();
    await env.drive(run.cancel());
    const { isPartial, events: read } = await openRecording(join(folder, 'partial.run'));
    expect(isPartial).toBe(true);
    expect(read).toHaveLength(recording.events);
  });

  test('that broke off in the middle is read as far as it goes', async () => {
    const whole = await readFile(join(folder, 'whole.run'));
    const path = join(folder, 'broken.run');
    await writeFile(path, whole.subarray(0, Math.floor(whole.length * 0.7)));
    const { events: read, isPartial } = await openRecording(path);
    expect(isPartial).toBe(true);
    expect(read.length).toBeGreaterThan(10);
    const cut = parseRecording(text.slice(0, text.length - 20));
    expect(cut.isPartial).toBe(true);
    expect(cut.events).toHaveLength(lines().length - 2);
  });

  test('of a disk that fails says so, and leaves the run alone', async () => {
    const run = smallRun();
    const recording = await run.record(join(folder, 'no', 'such', 'folder.run'));
    await expect(recording.done).rejects.toThrow('ENOENT');
    expect(await run.collect()).toEqual([1, 2, 3]);
  });

  test('needs a path', async () => {
    const run = smallRun();
    await expect(run.record('')).rejects.toMatchObject({ code: 'OPTION', option: 'path' });
    await run.collect();
  });

  test('begins anew after a gap, when the disk is too slow for the run', async () => {
    const path = join(folder, 'slow.run');
    const started = events.filter(({ type }) => type !== 'run.ended');
    const noise = 'x'.repeat(1_000_000);
    let listened = 0;
    const recording = recordEvents(path, {
      name: 'slow',
      startedAt: 0,
      listen(listener, end) {
        const round = listened++;
        started.forEach((event, seq) => {
          listener({ ...event, seq });
        });
        let seq = started.length;
        const say = (): void => {
          for (let event = 0; event < 1024; event++) {
            const random = String(Math.random()).repeat(2);
            listener({
              type: 'log',
              operator: 'double',
              lineage: random,
              text: noise.slice(0, 100_000),
              seq: seq++,
              at: 1000,
            });
          }
        };
        if (round === 0) say();
        else queueMicrotask(end);
        return () => undefined;
      },
    });
    await recording.done;
    expect(listened).toBeGreaterThan(1);
    expect(recording.lost).toBeGreaterThan(0);
    const { events: read } = await openRecording(path);
    expect(read.filter(({ type }) => type === 'run.started')).toHaveLength(listened);
    expect(read).toHaveLength(recording.events);
    const { model } = recordingSource(await openRecording(path));
    expect(model.operators).toHaveLength(2);
  });
});

describe('what is no recording is refused', () => {
  const change = (at: number, value: object): string => {
    const changed = lines();
    changed[at] = JSON.stringify({ ...(JSON.parse(changed[at] ?? '{}') as object), ...value });
    return changed.join('\n');
  };
  const indexOf = (type: string): number =>
    1 + parseRecording(text).events.findIndex((event) => event.type === type);

  const cases: readonly [string, () => string, RegExp][] = [
    ['nothing', () => '', /this is no recording of a run/],
    ['something else', () => 'hello\nworld', /line 1: this is no line of a recording/],
    ['other JSON', () => '{"a":1}\n', /this is no recording of a run/],
    [
      'a newer version',
      () => change(0, { version: 2 }),
      /version 2.*reader of version 1: update sluice/,
    ],
    ['no version', () => change(0, { version: 'x' }), /does not say its version/],
    ['no name', () => change(0, { name: 7 }), /does not say what it is of/],
    [
      'an unknown event',
      () => change(3, { type: 'eval' }),
      /line 4: there is no event of type eval/,
    ],
    [
      'a type that all objects have',
      () => change(3, { type: 'constructor' }),
      /no event of type constructor/,
    ],
    [
      'a missing event',
      () => lines().toSpliced(5, 1).join('\n'),
      /line 6: the event should have number 4/,
    ],
    ['no time', () => change(3, { at: null }), /does not say when it was/],
    [
      'a plan that is none',
      () => change(1, { plan: { name: 'x', operators: [{}] } }),
      /"plan" of this run\.started/,
    ],
    [
      'a budget that is none',
      () => change(1, { budget: { resources: { cpu: 'x' }, blockBytes: 1 } }),
      /"budget"/,
    ],
    [
      'a slot beyond all bounds',
      () => change(indexOf('task.started'), { slot: 1e9 }),
      /"slot" of this task\.started/,
    ],
    [
      'figures that are none',
      () => change(indexOf('operator.changed'), { figures: { in: 3 } }),
      /"figures"/,
    ],
    [
      'a name that would reach a prototype',
      () => change(indexOf('actor.started'), { actor: '__proto__' }),
      /"actor"/,
    ],
    [
      'an error that is no text',
      () => change(indexOf('log'), { text: { toString: 1 } }),
      /"text" of this log/,
    ],
    [
      'a line that is too long',
      () => `${lines()[0] ?? ''}\n${'x'.repeat(17 * 2 ** 20)}`,
      /line 2: it is too long/,
    ],
  ];

  test.each(cases)('%s', (_name, make, message) => {
    const read = (): unknown => parseRecording(make(), 'bad.run');
    expect(read).toThrow(FormatError);
    expect(read).toThrow(message);
    expect(read).toThrow(/^bad\.run: /);
  });

  test('a definition that is deeper than any machine', () => {
    let state: object = {
      id: '',
      name: 'x',
      type: 'atomic',
      entry: [],
      exit: [],
      invoke: [],
      transitions: [],
      states: [],
    };
    for (let depth = 0; depth < 50; depth++) state = { ...state, states: [state] };
    const at = indexOf('machine.defined');
    expect(() => parseRecording(change(at, { definition: { id: 'x', root: state } }))).toThrow(
      /"definition"/,
    );
  });

  test('one that unpacks to more than there may be', async () => {
    const path = join(folder, 'bomb.run');
    await writeFile(path, gzipSync(Buffer.alloc(600 * 2 ** 20, 'a\n'), { level: 1 }));
    await expect(openRecording(path)).rejects.toThrow(FormatError);
  });

  test('and nothing of it reaches the prototype of objects', () => {
    const before = Object.keys(Object.prototype);
    const at = indexOf('operator.doing');
    const changed = lines();
    changed[at] = (changed[at] ?? '').replace('"spent":{', '"spent":{"__proto__":{"polluted":1},');
    expect(() => parseRecording(changed.join('\n'))).toThrow(/"spent"/);
    expect(Object.keys(Object.prototype)).toEqual(before);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
