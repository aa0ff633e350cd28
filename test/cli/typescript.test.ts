/**
 * TypeScript files with a pipeline, run by plain Node in the project of a user who has installed
 * Sluice, and jiti, or tsx, or neither of them.
 */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { installPackage, root } from '../package/installed.ts';
import { child, type Ended } from './child.ts';

const installed = await installPackage();
const modules = join(installed.project, 'node_modules');
afterAll(installed.remove);

/** An enum needs more than leaving out the types: no version of Node runs it by itself. */
const FLOW = `import { pipeline } from 'sluice';

enum Factor {
  Double = 2,
}

const rows: readonly number[] = [1, 2, 3];
export default pipeline('typed').from(rows).map((x) => x * Factor.Double);
`;

beforeEach(() => {
  for (const name of ['jiti', 'tsx']) rmSync(join(modules, name), { force: true });
});

function link(name: string): void {
  symlinkSync(join(root, 'node_modules', name), join(modules, name));
}

function run(file: string): Promise<Ended> {
  return child(join(modules, '.bin/sluice'), ['run', file], installed.project).ended;
}

test.for(['jiti', 'tsx'])('runs with %s', async (name) => {
  link(name);
  writeFileSync(join(installed.project, 'flow.ts'), FLOW);
  const { code, stdout, stderr } = await run('flow.ts');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^✔ typed done in .*: 3 rows read, 3 rows out/);
});

test.for(['jiti', 'tsx'])('with %s, an error in the file is told', async (name) => {
  link(name);
  writeFileSync(join(installed.project, 'flow.ts'), `${FLOW}\nthrow new Error('half-done');`);
  const { code, stderr } = await run('flow.ts');
  expect(code).toBe(1);
  expect(stderr).toBe('sluice: flow.ts could not be loaded: half-done\n');
});

test('a jiti too old to help is left alone', async () => {
  mkdirSync(join(modules, 'jiti'));
  writeFileSync(join(modules, 'jiti/index.js'), 'module.exports = () => {};');
  link('tsx');
  writeFileSync(join(installed.project, 'flow.ts'), FLOW);
  const { code } = await run('flow.ts');
  rmSync(join(modules, 'jiti'), { recursive: true });
  expect(code).toBe(0);
});

test('with neither, the three ways out are told', async () => {
  writeFileSync(join(installed.project, 'flow.ts'), FLOW);
  const { code, stdout, stderr } = await run('flow.ts');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^sluice: flow\.ts is TypeScript/);
  for (const way of ['Node 22.18', 'install --save-dev jiti', 'install --save-dev tsx']) {
    expect(stderr).toContain(way);
  }
});

test('JavaScript needs neither', async () => {
  writeFileSync(
    join(installed.project, 'flow.mjs'),
    `import { pipeline } from 'sluice';\nexport const flow = pipeline('plain').from([1]).map((x) => x);\n`,
  );
  const { code, stdout } = await run('flow.mjs');
  expect(code).toBe(0);
  expect(stdout).toContain('✔ plain done');
});
