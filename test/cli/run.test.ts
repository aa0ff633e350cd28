import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../node/folder.ts';
import { sluice } from './child.ts';

function fixture(name: string): string {
  return `test/cli/fixtures/${name}.ts`;
}

test.concurrent('runs the default export, counts its rows, and says what it did', async () => {
  const { code, stdout, stderr } = await sluice(['run', fixture('squares')]).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.split('\n');
  expect(lines[0]).toMatch(/^✔ squares done in .*: 7 rows read, 7 rows out, at most .* of blocks$/);
  expect(lines[3]).toMatch(/^✔ {2}source +1 +7 /);
  expect(lines[4]).toMatch(/^✔ {2}square +3 +7 +7 /);
});

test.concurrent('runs the export "flow" if there is no default', async () => {
  const { code, stdout } = await sluice(['run', fixture('named')]).ended;
  expect(code).toBe(0);
  expect(stdout).toContain('✔ first done');
  expect(stdout).toContain('3 rows read, 3 rows out');
});

test.concurrent(
  'runs the export it is told to; one that ends in a sink writes its rows',
  async () => {
    const { code, stdout } = await sluice(['run', fixture('named'), '--export', 'second']).ended;
    expect(code).toBe(0);
    expect(stdout).toContain('3 rows read, 3 rows written');
    expect(stdout).not.toContain('rows out,');
  },
);

test.concurrent('quiet is quiet', async () => {
  const end = await sluice(['run', fixture('squares'), '--quiet']).ended;
  expect(end).toEqual({ code: 0, stdout: '', stderr: '' });
});

test.concurrent('runs within the budget it is given', async () => {
  const budget = ['--budget', 'gpu=2', '--budget', 'memory=1GB'];
  const { code, stdout } = await sluice(['run', fixture('greedy'), ...budget]).ended;
  expect(code).toBe(0);
  expect(stdout).toContain('2 rows out');
});

test.concurrent('a transform that fails is exit code 1, told in one line', async () => {
  const { code, stdout, stderr } = await sluice(['run', fixture('failing')]).ended;
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toBe(
    'sluice: operator "picky" failed on block 0.0 (attempt 1): three is too much\n',
  );
});

test.concurrent('with --verbose, an error comes with its stack and its cause', async () => {
  const { code, stderr } = await sluice(['run', fixture('failing'), '--verbose']).ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(/TaskError: operator "picky" failed[\s\S]*\n +at /);
  expect(stderr).toMatch(/RangeError: three is too much[\s\S]*failing\.ts:8/);
});

test.concurrent.for([
  ['a budget too small', ['greedy', '--budget', 'gpu=1,memory=1GB'], /needs 2 gpu for one task/],
  ['no budget for a resource', ['greedy'], /needs 2 gpu, which the budget does not name/],
  ['an option there is not', ['misspelt'], /there is no option "retrys" here/],
  ['no flow', ['no-flow'], /exports no flow as default or as "flow": it exports no flow at all/],
  ['a flow under another name', ['only-named'], /it exports: nightly; choose one with --export/],
  ['no such export', ['named', '--export', 'third'], /as "third": it exports: flow, second/],
  ['an export that is no flow', ['named', '--export', 'answer'], /exports no flow as "answer"/],
  ['no such file', ['nowhere'], /there is no file test\/cli\/fixtures\/nowhere\.ts/],
] as const)('%s is exit code 2', async ([, [name, ...options], message]) => {
  const { code, stdout, stderr } = await sluice(['run', fixture(name), ...options]).ended;
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^sluice: [^\n]*\n$/);
});

test.concurrent('a file that fails while it is loaded is exit code 1', async () => {
  const { code, stderr } = await sluice(['run', fixture('broken')]).ended;
  expect(code).toBe(1);
  expect(stderr).toBe(`sluice: ${fixture('broken')} could not be loaded: no such luck\n`);
});

test.concurrent.for([
  ['nothing', [], /Usage: sluice/],
  ['no file', ['run'], /missing required argument 'file'/],
  ['an unknown command', ['walk'], /unknown command 'walk'/],
  ['an unknown option', ['run', 'x', '--fast'], /unknown option '--fast'/],
  ['a budget that is none', ['run', 'x', '--budget', 'cpu=much'], /the amount of "cpu" is "much"/],
] as const)('%s is exit code 2, and help is offered', async ([, args, message]) => {
  const { code, stdout, stderr } = await sluice(args).ended;
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/--help/);
});

test.concurrent(
  'help tells the commands and the exit codes; the version is that of the package',
  async () => {
    const help = await sluice(['--help']).ended;
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const word of ['run', 'graph', '130', '143', 'Exit codes']) {
      expect(help.stdout).toContain(word);
    }
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
    const version = await sluice(['--version']).ended;
    expect(version).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' });
  },
);

const folder = temporaryFolder();

test.concurrent.for([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)(
  'F27: %s reads no more, finishes what was read, and is exit code %i',
  async ([signal, code]) => {
    const target = join(folder, signal, 'rows.jsonl');
    const child = sluice(['run', fixture('endless')], { ENDLESS_TARGET: target });
    await child.printed('it flows');
    child.kill(signal);
    const end = await child.ended;
    expect(end.code).toBe(code);
    expect(end.stdout).toContain('endless stopped');
    expect(end.stderr).toContain('reads no more and finishes the rest');
    // What the sink has is whole: it was committed.
    expect(readdirSync(join(folder, signal))).toEqual(['rows.jsonl']);
  },
);

test.concurrent('F27: a second signal cancels the run, which cleans up', async () => {
  const target = join(folder, 'twice', 'rows.jsonl');
  const child = sluice(['run', fixture('endless')], { ENDLESS_TARGET: target, ENDLESS_SLOW: '1' });
  await child.printed('it flows');
  child.kill('SIGINT');
  await child.printed('once more to cancel');
  child.kill('SIGTERM');
  const end = await child.ended;
  expect(end.code).toBe(143);
  expect(end.stdout).toContain('⊘ endless cancelled');
  expect(end.stderr).toContain('sluice: cancelled by SIGTERM');
  expect(readdirSync(join(folder, 'twice'))).toEqual([]);
});

test.concurrent('F27: a third signal ends the process at once', async () => {
  const child = sluice(['run', fixture('stubborn')]);
  await child.printed('it runs');
  child.kill('SIGINT');
  await child.printed('once more to cancel');
  child.kill('SIGINT');
  await child.printed('told to end');
  child.kill('SIGTERM');
  const end = await child.ended;
  // The second one would have been 130, with a summary.
  expect(end).toMatchObject({ code: 143, stdout: 'it runs\ntold to end\n' });
});
