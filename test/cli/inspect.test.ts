import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openRecording } from '../../src/inspect/server/index.ts';
import { connectClient, ofType } from '../inspect/support.ts';
import { temporaryFolder } from '../node/folder.ts';
import { program, sluice, type Child } from './child.ts';

const squares = 'test/cli/fixtures/squares.ts';
const endless = 'test/cli/fixtures/endless.ts';

/** The address a program has printed. */
async function addressOf(child: Child): Promise<string> {
  const printed = await child.match(/inspector: (http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43})/);
  return printed[1] ?? '';
}

test.concurrent(
  '--record writes a recording, which --open shows until it is interrupted',
  async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'squares.run');
    const { code, stdout, stderr } = await sluice(['run', squares, '--record', path]).ended;
    expect(code).toBe(0);
    expect(stdout).toContain('7 rows out');
    expect(stderr).toMatch(/^sluice: recorded \d+ events; see them with: sluice open /);
    const { events, isPartial } = await openRecording(path);
    expect(isPartial).toBe(false);
    expect(events.filter(({ type }) => type === 'task.ended')).toHaveLength(4);

    const opened = sluice(['open', path]);
    const client = await connectClient(await addressOf(opened));
    const { run, keyframe, rights } = await client.next(ofType('hello'));
    expect(run).toMatchObject({ name: 'squares', ended: true });
    expect(keyframe?.model.end?.status).toBe('done');
    expect(rights).toEqual({ control: false, values: true });
    opened.kill('SIGINT');
    expect(await client.closed).toBe(1001);
    expect((await opened.ended).code).toBe(0);
  },
);

test.concurrent(
  '--inspect shows the run from its beginning, and ends with it when nobody looks',
  async () => {
    const child = sluice(['run', squares, '--inspect']);
    const { code, stderr, stdout } = await child.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('squares done');
    expect(stderr).toMatch(/^inspector: http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}\n$/);
  },
);

test.concurrent(
  '--inspect --control lets who looks end the run; the page stays while it is open',
  async () => {
    const target = join(temporaryFolder(), 'endless.jsonl');
    const child = sluice(['run', endless, '--inspect', '--control'], { ENDLESS_TARGET: target });
    const client = await connectClient(await addressOf(child));
    const { rights } = await client.next(ofType('hello'));
    expect(rights.control).toBe(true);
    await client.ask({ type: 'do', command: { type: 'cancel' } });
    await child.printed('the run is over; the inspector stays: it ends when the page is closed');
    client.close();
    const { code, stderr } = await child.ended;
    expect(code).toBe(1);
    expect(stderr).toContain('sluice: cancelled');
  },
);

test.concurrent('--stay keeps the inspector until the process is interrupted', async () => {
  const child = sluice(['run', squares, '--inspect', '--stay']);
  await child.printed('the run is over; the inspector stays: Ctrl-C ends it');
  const client = await connectClient(await addressOf(child));
  const { keyframe } = await client.next(ofType('hello'));
  expect(keyframe?.model.end?.status).toBe('done');
  expect(keyframe?.model.history.tasks.entries.length).toBe(4);
  child.kill('SIGTERM');
  expect(await client.closed).toBe(1001);
  expect((await child.ended).code).toBe(0);
});

test.concurrent('--control without --inspect is wrong usage', async () => {
  const { code, stderr } = await sluice(['run', squares, '--control']).ended;
  expect(code).toBe(2);
  expect(stderr).toContain('--control and --stay are for the inspector: add --inspect');
});

test.concurrent('what is no recording is not opened', async () => {
  const { code, stderr } = await sluice(['open', 'package.json']).ended;
  expect(code).toBe(1);
  expect(stderr).toContain('package.json: ');
  expect(stderr).toContain('recording');
  const missing = await sluice(['open', 'no-such.run']).ended;
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain('no-such.run');
  const port = await sluice(['open', 'x.run', '--port', '99999']).ended;
  expect(port.code).toBe(2);
});

test.concurrent('a recording that cannot be written is told, and the run is done', async () => {
  const { code, stdout, stderr } = await sluice([
    'run',
    squares,
    '--record',
    '/no/such/folder/x.run',
  ]).ended;
  expect(stdout).toContain('squares done');
  expect(stderr).toContain('ENOENT');
  expect(code).toBe(1);
});

test.concurrent(
  'SLUICE_INSPECT=1 is --inspect, and gives no more than the right to look',
  async () => {
    const target = join(temporaryFolder(), 'endless.jsonl');
    const child = sluice(['run', endless], { ENDLESS_TARGET: target, SLUICE_INSPECT: '1' });
    const client = await connectClient(await addressOf(child));
    expect((await client.next(ofType('hello'))).rights.control).toBe(false);
    const answer = await client.ask({ type: 'do', command: { type: 'cancel' } });
    expect(answer).toMatchObject({ type: 'error', code: 'FORBIDDEN' });
    client.close();
    child.kill('SIGINT');
    child.kill('SIGINT');
    const { stderr } = await child.ended;
    // The run has not done it once more.
    expect(stderr.match(/inspector: /g)).toHaveLength(1);
  },
);

test.concurrent(
  'SLUICE_INSPECT=control shows the runs of any program, and may end them',
  async () => {
    const child = program('test/cli/fixtures/program.ts', [], { SLUICE_INSPECT: 'control' });
    const client = await connectClient(await addressOf(child));
    const { rights, run } = await client.next(ofType('hello'));
    expect(rights.control).toBe(true);
    expect(run?.name).toBe('program');
    const answer = await client.ask({ type: 'do', command: { type: 'cancel' } });
    expect(answer.type).toBe('reply');
    const { code, stdout, stderr } = await child.ended;
    expect(stdout).toContain('ended: cancelled');
    // The second run is in the same inspector, which keeps no program alive.
    expect(stderr.match(/inspector: /g)).toHaveLength(1);
    expect(code).toBe(0);
  },
);

test.concurrent('without SLUICE_INSPECT, or with 0, nobody listens', async () => {
  for (const asked of ['', '0']) {
    const { code, stderr } = await sluice(['run', squares], { SLUICE_INSPECT: asked }).ended;
    expect(code).toBe(0);
    expect(stderr).not.toContain('inspector');
  }
});

test.concurrent('SLUICE_INSPECT with anything else is refused, and gives no rights', async () => {
  for (const asked of ['true', 'CONTROL', '1,control']) {
    const { code, stderr } = await sluice(['run', squares], { SLUICE_INSPECT: asked }).ended;
    expect(code).not.toBe(0);
    expect(stderr).toContain('SLUICE_INSPECT must be 1, control, 0 or empty');
  }
});
