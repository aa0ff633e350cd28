/** What README and the docs show is true: every block of code compiles, every program prints what is shown. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, describe, expect, test } from 'vitest';
import { codeBlocks, layOut } from './code-blocks.ts';

const root = join(import.meta.dirname, '../..');
const written = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((page) => page.endsWith('.md') && !page.startsWith('reference'))
  .map((page) => join('docs', page));
const blocks = ['README.md', ...written].flatMap((page) =>
  codeBlocks(page, readFileSync(join(root, page), 'utf8')),
);
const { folder, tsconfig, files } = layOut(root, blocks);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('there is code in the docs, and some of it runs', () => {
  expect(blocks.length).toBeGreaterThan(20);
  expect(blocks.filter(({ runs }) => runs).length).toBeGreaterThan(5);
});

test('every block of code compiles in strict mode', () => {
  const { config } = ts.readConfigFile(tsconfig, (path) => ts.sys.readFile(path)) as {
    config: unknown;
  };
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, folder);
  expect(fileNames.filter((name) => !name.endsWith('.d.ts'))).toHaveLength(files.length);
  const program = ts.createProgram(fileNames, options);
  const problems = ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const { file, start = 0 } = diagnostic;
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
    if (file === undefined) return message;
    const { line } = file.getLineAndCharacterOfPosition(start);
    return `${relative(folder, file.fileName)}, line ${String(line + 1)} of the block: ${message}`;
  });
  expect(problems).toEqual([]);
});

describe('every program in the docs prints what the page shows', () => {
  const programs = blocks.flatMap((block, index) => {
    const file = files[index];
    return block.runs && file !== undefined ? [{ ...block, file }] : [];
  });
  test.concurrent.for(programs)('$place', async ({ file, output }) => {
    const run = promisify(execFile)(process.execPath, ['--import', 'tsx', file], {
      env: { ...process.env, TSX_TSCONFIG_PATH: tsconfig },
    });
    const { stdout } = await run;
    expect(stdout.trimEnd()).toBe(output);
  });
});
