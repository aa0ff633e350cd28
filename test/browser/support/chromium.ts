/**
 * A headless browser for tests, without installing anything: the one named by CHROME or CHROMIUM, else the
 * one that `npm ci` brings, else one that the machine has. Its absence is a failure, never a skip.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

// No GPU, no first-run pages, and nothing that calls home.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--font-render-hinting=none',
];

/** Starts a headless browser. @throws Error that says how to get one, when none starts. */
export async function launchBrowser(): Promise<Browser> {
  const tried: string[] = [];
  for (const find of [named, bundled, installed]) {
    try {
      const found = await find();
      if (found === undefined) continue;
      return await chromium.launch({ ...found, args: FLAGS });
    } catch (error) {
      tried.push(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
    }
  }
  throw new Error(
    'No browser starts. `npm ci` brings one for Linux on x64 (@sparticuz/chromium); on other machines install ' +
      'Chromium or Chrome, or give its path: CHROMIUM=/path/to/chromium npm test. ' +
      `Tried: ${tried.length === 0 ? 'nothing was found' : tried.join('; ')}`,
  );
}

interface Found {
  readonly executablePath: string;
  readonly env?: Record<string, string>;
}

function named(): Found | undefined {
  const path = process.env['CHROME'] ?? process.env['CHROMIUM'];
  return path === undefined || path === '' ? undefined : { executablePath: path };
}

function installed(): Found | undefined {
  const path = PLACES.find((place) => existsSync(place));
  return path === undefined ? undefined : { executablePath: path };
}

/**
 * The browser of the development dependency unpacks itself into the temporary folder, and would take any
 * file called `chromium` there for its own: so it gets a folder named after its version.
 */
async function bundled(): Promise<Found | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const folder = join(tmpdir(), `sluice-chromium-${versionOf('@sparticuz/chromium')}`);
  const executablePath = join(folder, 'chromium');
  if (!existsSync(executablePath)) await unpack(folder);
  if (!(await missesLibraries(executablePath))) return { executablePath };
  // A machine without the libraries a browser needs: it brings those, too.
  const libraries = join(folder, 'al2023', 'lib');
  return { executablePath, env: { ...environment(), LD_LIBRARY_PATH: libraries } };
}

/** Unpacks beside, then moves: whoever comes at the same time sees all of it, or nothing. */
async function unpack(folder: string): Promise<void> {
  const beside = await mkdtemp(`${folder}-`);
  // In a process of its own: where and what it unpacks depends on variables that it reads as it loads.
  const script = `import chromium from '@sparticuz/chromium'; await chromium.executablePath()`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: import.meta.dirname,
    env: { ...process.env, TMPDIR: beside, AWS_LAMBDA_JS_RUNTIME: 'nodejs20.x' },
  });
  try {
    await rename(beside, folder);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

function versionOf(name: string): string {
  const manifest = join(import.meta.dirname, '../../../node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

async function missesLibraries(executable: string): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)('ldd', [executable]);
    return stdout.includes('not found');
  } catch {
    // One that cannot be read is as good as none.
    return true;
  }
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value] as const],
    ),
  );
}
