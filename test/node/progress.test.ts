import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { OptionError, pipeline, type Flow } from '../../src/index.ts';
import { showProgress } from '../../src/node/index.ts';
import { simEnv, type SimEnv } from '../../src/testing.ts';
import { program } from '../cli/child.ts';
import { fakeTerminal } from './terminal.ts';

/** Ten blocks of ten rows, a second for each block. */
function slowFlow(env: SimEnv): Flow<number> {
  const blocks = Array.from({ length: 10 }, (_, block) =>
    Array.from({ length: 10 }, (_, row) => 10 * block + row),
  );
  return pipeline('demo')
    .fromBlocks(blocks)
    .mapBlocks(
      async (rows) => {
        await env.sleep(1000);
        return rows;
      },
      { name: 'slow', maxConcurrency: 1 },
    );
}

/** A stream that is no terminal. */
function log(): Writable & { readonly lines: () => readonly string[] } {
  let text = '';
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      text += chunk;
      done();
    },
  });
  return Object.assign(stream, { lines: () => text.split('\n').slice(0, -1) });
}

test('a terminal shows one table, redrawn in place, and the summary in the end', async () => {
  const env = simEnv();
  const terminal = fakeTerminal();
  const run = slowFlow(env).start({ env });
  showProgress(run, { stream: terminal, env });
  const done = run.drain();
  done.catch(() => undefined);

  await env.advance(150);
  expect(terminal.written).toBe('');
  await env.advance(3400);
  const live = await terminal.screen();
  expect(live[0]).toMatch(/^● demo running {2}3\.4 s · 100 rows read/);
  expect(live[3]).toMatch(/operator +state +in +active +out +done +rows\/s +blocked by$/);
  expect(live[5]).toMatch(/^● {2}slow +running +\d+ +1 +0 /);
  // Three blocks of ten in 3.4 seconds; two of them in the last two.
  expect(live[5]).toMatch(/ 3 +10(  |$)/);
  expect(live).toHaveLength(6);

  await env.drive(done);
  const end = await terminal.screen();
  expect(end[0]).toMatch(/^✔ demo done in 10\.0 s: 100 rows read, at most \d+ B of blocks$/);
  expect(end[4]).toMatch(/^✔ {2}slow +10 +100 +100 +10\.0 s +running 100 %$/);
  expect(end).toHaveLength(5);
});

test('what did not change is not drawn again', async () => {
  const env = simEnv();
  const terminal = fakeTerminal();
  const run = slowFlow(env).start({ env });
  showProgress(run, { stream: terminal, env });
  const done = run.drain();
  await env.drive(done);
  // Ten seconds at five a second, and hardly a byte more than the text itself.
  expect(terminal.written.length).toBeLessThan(60 * 800);
  expect(terminal.written).not.toContain('\u001b[2J');
});

test('a small terminal gets as much as it has room for', async () => {
  const env = simEnv();
  const terminal = fakeTerminal(30, 4);
  const run = slowFlow(env).start({ env });
  showProgress(run, { stream: terminal, env });
  const done = run.drain();
  await env.advance(2500);
  const live = await terminal.screen();
  expect(live).toHaveLength(3);
  expect(live[0]).toMatch(/^● demo running {2}2\.4 s · 100 …$/);
  expect(live[2]).toBe('… and 4 more');
  await env.drive(done);
  expect(await terminal.screen()).toHaveLength(3);
});

test('a terminal that is made narrower in between is no reason for a mess', async () => {
  const env = simEnv();
  const terminal = fakeTerminal(100, 30);
  const run = slowFlow(env).start({ env });
  showProgress(run, { stream: terminal, env });
  const done = run.drain();
  await env.advance(1100);
  terminal.resize(50, 30);
  await env.advance(1100);
  const live = await terminal.screen();
  expect(live.filter((line) => line.includes('demo running'))).toHaveLength(1);
  expect(live).toHaveLength(6);
  await env.drive(done);
});

test('what others write to the terminal appears above the table', async () => {
  const env = simEnv();
  const terminal = fakeTerminal();
  const run = slowFlow(env)
    .map((row) => {
      if (row === 15) terminal.write('fifteen\n');
      if (row === 25) terminal.write('twenty-five and');
      return row;
    })
    .start({ env });
  showProgress(run, { stream: terminal, env });
  const done = run.drain();
  await env.advance(2150);
  expect((await terminal.screen())[0]).toBe('fifteen');
  expect((await terminal.screen())[1]).toMatch(/^● demo running/);
  await env.advance(1200);
  terminal.write(' more\n');
  const live = await terminal.screen();
  expect(live.slice(0, 2)).toEqual(['fifteen', 'twenty-five and']);
  expect(live[2]).toBe(' more');
  expect(live[3]).toMatch(/^● demo running/);
  expect(live.filter((line) => line.includes('demo running'))).toHaveLength(1);
  await env.drive(done);
  const end = await terminal.screen();
  expect(end.slice(0, 3)).toEqual(['fifteen', 'twenty-five and', ' more']);
  expect(end[3]).toMatch(/^✔ demo done/);
  // When it is over, the stream is as it was before.
  expect(Object.hasOwn(terminal, 'write')).toBe(false);
});

test('who else has taken over the stream gets it back', async () => {
  const env = simEnv();
  const terminal = fakeTerminal();
  const theirs = terminal.write.bind(terminal);
  terminal.write = theirs;
  const run = slowFlow(env).start({ env });
  showProgress(run, { stream: terminal, env });
  expect(terminal).not.toHaveProperty('write', theirs);
  await env.drive(run.drain());
  expect(terminal).toHaveProperty('write', theirs);
});

test('a second run on the same terminal tells of itself in lines above', async () => {
  const env = simEnv();
  const terminal = fakeTerminal();
  const first = slowFlow(env).start({ env });
  const second = slowFlow(env).start({ env });
  showProgress(first, { stream: terminal, env });
  showProgress(second, { stream: terminal, env });
  const both = Promise.all([first.drain(), second.drain()]);
  await env.advance(6500);
  const live = await terminal.screen();
  expect(live[0]).toMatch(/^demo running 5\.0 s: slow\[/);
  expect(live[1]).toMatch(/^● demo running/);
  expect(live).toHaveLength(7);
  await env.drive(both);
});

test('of a run that fails, the last view stays', async () => {
  const env = simEnv();
  const terminal = fakeTerminal();
  const run = slowFlow(env)
    .map(
      (row) => {
        if (row === 25) throw new Error('broken');
        return row;
      },
      { name: 'fragile' },
    )
    .start({ env });
  showProgress(run, { stream: terminal, env });
  await expect(env.drive(run.drain())).rejects.toThrow('broken');
  const end = await terminal.screen();
  // The task that was under way came to its end first.
  expect(end[0]).toMatch(/^✖ demo failed {2}4\.0 s/);
  expect(end.at(-1)).toMatch(/^✖ {2}fragile +failed/);
  expect(env.pending()).toBe(0);
});

test('of a run that is cancelled, the summary says so', async () => {
  const env = simEnv();
  const terminal = fakeTerminal();
  const run = slowFlow(env).start({ env });
  showProgress(run, { stream: terminal, env });
  await env.advance(2500);
  await env.drive(run.cancel('enough'));
  expect((await terminal.screen())[0]).toMatch(/^⊘ demo cancelled in/);
});

test('without a summary, nothing is left in the end', async () => {
  const env = simEnv();
  const terminal = fakeTerminal();
  const run = slowFlow(env).start({ env });
  showProgress(run, { stream: terminal, env, summary: false });
  await env.drive(run.drain());
  expect(terminal.written).not.toBe('');
  expect(await terminal.screen()).toEqual([]);
});

test('a log gets a line every five seconds, and one in the end', async () => {
  const env = simEnv();
  const stream = log();
  const run = slowFlow(env).start({ env });
  showProgress(run, { stream, env });
  await env.drive(run.drain());
  expect(stream.lines()).toEqual([
    expect.stringMatching(
      /^demo running 5\.0 s: slow\[in=\d act=1 out=0 done=[45]\]; 100 rows read/,
    ),
    expect.stringMatching(/^demo running 10\.0 s: slow\[in=0 act=1 out=0 done=9\]; 100 rows read/),
    expect.stringMatching(/^✔ demo done in 10\.0 s: 100 rows read, at most .* of blocks$/),
  ]);
});

test('quiet is quiet', async () => {
  const env = simEnv();
  const terminal = fakeTerminal();
  const run = slowFlow(env).start({ env });
  showProgress(run, { stream: terminal, env, quiet: true });
  await env.drive(run.drain());
  expect(terminal.written).toBe('');
});

test('a run that is over already gets its summary at once', async () => {
  const env = simEnv();
  const stream = log();
  const run = slowFlow(env).start({ env });
  await env.drive(run.drain());
  showProgress(run, { stream, env });
  expect(stream.lines()).toEqual([expect.stringMatching(/^✔ demo done in 10\.0 s/)]);
  await env.advance();
  expect(env.pending()).toBe(0);
});

test('a stream that fails, at once or later, does the run no harm', async () => {
  for (const fail of ['throw', 'error'] as const) {
    const env = simEnv();
    const stream = new Writable({
      write(_chunk, _encoding, done) {
        if (fail === 'throw') throw new Error('no terminal');
        done(new Error('no terminal'));
      },
    });
    const run = slowFlow(env).start({ env });
    showProgress(run, { stream: Object.assign(stream, { isTTY: true }), env });
    const report = await env.drive(run.drain());
    expect(report.status).toBe('done');
  }
});

test('an unknown option is refused', () => {
  const env = simEnv();
  const run = slowFlow(env).start({ env });
  expect(() => {
    showProgress(run, { loud: true } as object);
  }).toThrow(OptionError);
});

test('it keeps no process alive: who forgets a run is gone with it', async () => {
  const { code, stdout } = await program('test/node/fixtures/forgotten.ts').ended;
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'started\n' });
});

test('it hides no failure: one that nobody looks at is still an unhandled rejection', async () => {
  const { code, stderr } = await program('test/node/fixtures/unobserved.ts').ended;
  expect(code).toBe(1);
  expect(stderr).toContain('TaskError: operator "map" failed');
});
