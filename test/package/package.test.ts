/** The package as its users get it: packed, installed into an empty project, run, checked and bundled there. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { formatMessage } from 'publint/utils';
import { publint } from 'publint';
import { build } from 'vite';
import { afterAll, expect, test } from 'vitest';
import { installPackage, root, run } from './installed.ts';

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
}

const installed = await installPackage();
const manifest = JSON.parse(
  readFileSync(join(installed.folder, 'package.json'), 'utf8'),
) as Manifest;

afterAll(installed.remove);

test('it has what its manifest promises, and nothing else', () => {
  const promised = [
    ...Object.values(manifest.bin),
    ...Object.values(manifest.exports).flatMap((targets) =>
      typeof targets === 'string' ? [targets] : Object.values(targets),
    ),
  ];
  for (const path of promised) expect(existsSync(join(installed.folder, path)), path).toBe(true);

  const files = readdirSync(installed.folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile(),
  );
  const outsideDist = files.filter(({ parentPath }) => parentPath === installed.folder);
  expect(outsideDist.map(({ name }) => name).sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'NOTICE',
    'README.md',
    'package.json',
  ]);
  for (const { name, parentPath } of files) {
    const path = join(parentPath, name);
    expect(path).not.toMatch(/\.test\.|\/(test|bench|examples)\//);
    if (!path.includes('/dist/') || path.includes('/dist/ui/')) continue;
    expect(path).toMatch(/\.(js|d\.ts)$/);
    expect(readFileSync(path, 'utf8'), path).not.toContain('sourceMappingURL');
  }
});

test('every module of it has types', () => {
  const modules = readdirSync(join(installed.folder, 'dist'), {
    recursive: true,
    encoding: 'utf8',
  });
  // The page of the inspector is built, and nobody imports what is in it by name.
  const scripts = modules.filter((path) => path.endsWith('.js') && !path.startsWith('ui/'));
  expect(scripts.length).toBeGreaterThan(50);
  for (const path of scripts) expect(modules).toContain(path.replace(/\.js$/, '.d.ts'));
});

test('it has at most four dependencies, and runs nothing when it is installed', () => {
  expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(4);
  expect(Object.keys(manifest.scripts)).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/^(pre|post)?install$|^prepare$/)]),
  );
});

test('publint finds nothing to say', async () => {
  const tarball = Uint8Array.from(readFileSync(installed.tarball)).buffer;
  const { messages, pkg } = await publint({ pack: { tarball }, level: 'warning' });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
});

const PROGRAM = `
import { pipeline } from 'sluice';
import * as node from 'sluice/node';
import * as threads from 'sluice/workers';
import { simEnv } from 'sluice/testing';
import { operatorMachine, resourceMachine, supervisorMachine, taskMachine } from 'sluice/machines';

const env = simEnv();
const doubled = pipeline('doubled')
  .from([1, 2, 3])
  .map(async (x) => {
    await env.sleep(1000);
    return x * 2;
  });
const rows = await env.drive(doubled.start({ env }).collect());
const charts = [supervisorMachine, operatorMachine, taskMachine, resourceMachine];
console.log(JSON.stringify({
  rows,
  virtualMs: env.now(),
  charts: charts.map(({ id }) => id),
  node: Object.keys(node).length > 0,
  threads: Object.keys(threads).sort(),
}));
`;

test('it runs in Node as plain JavaScript, through all its entry points', async () => {
  writeFileSync(join(installed.project, 'program.mjs'), PROGRAM);
  const printed = await run(installed.project, process.execPath, ['program.mjs']);
  expect(JSON.parse(printed)).toEqual({
    rows: [2, 4, 6],
    virtualMs: 3000,
    charts: ['supervisor', 'operator', 'task', 'resource'],
    node: true,
    threads: ['serve', 'statefulTransform', 'workerModule', 'workers'],
  });
});

test('its command tells how to use it', async () => {
  const printed = await run(installed.project, join('node_modules', '.bin', 'sluice'), ['--help']);
  expect(printed).toMatch(/Usage: sluice/);
  expect(printed).toMatch(/\brun\b/);
  expect(printed).toMatch(/\bgraph\b/);
});

test.concurrent.for([
  { kind: 'Node', module: 'NodeNext', types: ['node'] },
  { kind: 'browser', module: 'Preserve', types: [] },
])('its types hold in a strict $kind project that checks libraries too', async (project) => {
  const { kind, module, types } = project;
  const program =
    kind === 'Node'
      ? PROGRAM
      : `
import { pipeline, type RunReport } from 'sluice';
const run = pipeline('doubled').from([1, 2, 3]).map((x) => String(x)).start();
export const rows: Promise<string[]> = run.collect();
export const report: Promise<RunReport> = run.done;
// @ts-expect-error the rows are strings
export const numbers: Promise<number[]> = run.collect();
`;
  const file = `program-${kind}.ts`;
  writeFileSync(join(installed.project, file), program);
  const config = {
    compilerOptions: {
      target: 'ESNext',
      module,
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      types,
      typeRoots: [join(root, 'node_modules/@types')],
    },
    files: [file],
  };
  const path = join(installed.project, `tsconfig.${kind}.json`);
  writeFileSync(path, JSON.stringify(config));
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  expect(await run(installed.project, process.execPath, [compiler, '--project', path])).toBe('');
});

/** What every browser has. */
const WEB = {
  AbortController,
  AbortSignal,
  MessageChannel,
  TextDecoder,
  TextEncoder,
  clearTimeout,
  console,
  performance,
  setTimeout,
  structuredClone,
};

const OPS = `export function double(rows) {
  return rows.map((row) => row * 2);
}
`;

test('its workers run in Node: a module, and a worker of the user', async () => {
  writeFileSync(join(installed.project, 'ops.mjs'), OPS);
  writeFileSync(
    join(installed.project, 'ops.worker.mjs'),
    `import { serve } from 'sluice/workers';\nimport * as ops from './ops.mjs';\nserve(ops);\n`,
  );
  writeFileSync(
    join(installed.project, 'threads.mjs'),
    `import { Worker } from 'node:worker_threads';
    import { pipeline } from 'sluice';
    import { workerModule, workers } from 'sluice/node';
    const module = workerModule(new URL('./ops.mjs', import.meta.url));
    const mine = workerModule(() => new Worker(new URL('./ops.worker.mjs', import.meta.url)));
    const flow = pipeline('threads').from([1, 2]).mapBlocks(workers(module, 'double'));
    console.log(JSON.stringify(await flow.mapBlocks(workers(mine, 'double')).start().collect()));`,
  );
  expect(await run(installed.project, process.execPath, ['threads.mjs'])).toBe('[4,8]\n');
});

test('it runs in a browser: bundled by Vite, with nothing but what the web has', async () => {
  const code = await bundle(
    'browser.js',
    `import { pipeline } from 'sluice';
    const flow = pipeline('doubled').from([1, 2, 3]).map((x) => x * 2).filter((x) => x > 2);
    flow.start({ budget: { cpu: 2 } }).collect().then(globalThis.report, globalThis.report);`,
  );

  const reported = new Promise((resolve) => {
    runInContext(code, createContext({ ...WEB, report: resolve }));
  });
  // An array of another realm: compared by its values.
  expect(JSON.stringify(await reported)).toBe('[4,6]');
});

test('its workers run in a browser: both ends bundled, with nothing but what the web has', async () => {
  writeFileSync(join(installed.project, 'ops.mjs'), OPS);
  const workerCode = await bundle(
    'ops.worker.js',
    `import { serve } from 'sluice/workers';\nimport * as ops from './ops.mjs';\nserve(ops);`,
  );
  const pageCode = await bundle(
    'page.js',
    `import { pipeline } from 'sluice';
    import { workerModule, workers } from 'sluice/workers';
    const ops = workerModule(() => globalThis.makeWorker());
    const flow = pipeline('doubled').from([1, 2, 3]).mapBlocks(workers(ops, 'double'));
    flow.start({ budget: { cpu: 2 } }).collect().then(globalThis.report, globalThis.report);`,
  );

  /** A worker of the web: its script runs in a world of its own, and has a port to the page. */
  const makeWorker = () => {
    const { port1: page, port2: inside } = new MessageChannel();
    const addEventListener = inside.addEventListener.bind(inside);
    const postMessage = inside.postMessage.bind(inside);
    runInContext(workerCode, createContext({ ...WEB, addEventListener, postMessage }));
    inside.start();
    page.start();
    return {
      postMessage: page.postMessage.bind(page),
      addEventListener: page.addEventListener.bind(page),
      terminate: () => {
        page.close();
      },
    };
  };
  const reported = new Promise((report) => {
    runInContext(pageCode, createContext({ ...WEB, makeWorker, report }));
  });
  expect(JSON.stringify(await reported)).toBe('[2,4,6]');
});

/** A script of a project that uses the package, as one file for a browser. */
async function bundle(name: string, script: string): Promise<string> {
  const entry = join(installed.project, name);
  writeFileSync(entry, script);
  const bundled = await build({
    root: installed.project,
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      modulePreload: false,
      rolldownOptions: { input: entry, output: { format: 'iife' } },
    },
  });
  if (!('output' in bundled)) throw new Error('Vite has built something else');
  const [chunk, ...others] = bundled.output;
  expect(others).toEqual([]);
  expect(chunk.imports).toEqual([]);
  expect(chunk.code).not.toMatch(/\brequire\(|from ?["']node:|import\(["']node:/);
  return chunk.code;
}
