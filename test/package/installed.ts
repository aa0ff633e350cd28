/** Packs the package as it would be published, and installs the tarball into an empty project. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const root = join(import.meta.dirname, '../..');

const execute = promisify(execFile);

export interface InstalledPackage {
  readonly tarball: string;
  /** The project it is installed in, which has nothing else. */
  readonly project: string;
  /** Its folder in there. */
  readonly folder: string;
  readonly remove: () => void;
}

/** Everything that is needed to build the package. */
const BUILT_FROM = [
  'package.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'NOTICE',
  'tsconfig.json',
  'tsconfig.build.json',
  'vite.page.config.ts',
  'machines',
  'actors',
  'src',
];

export async function installPackage(): Promise<InstalledPackage> {
  mkdirSync(join(root, 'out'), { recursive: true });
  const copy = mkdtempSync(join(root, 'out', 'package-'));
  const project = mkdtempSync(join(tmpdir(), 'sluice-user-'));
  const remove = (): void => {
    rmSync(copy, { recursive: true, force: true });
    rmSync(project, { recursive: true, force: true });
  };
  try {
    const tarball = await pack(copy);
    await install(tarball, project);
    return { tarball, project, folder: join(project, 'node_modules/sluice'), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** A copy is packed: what lies in `dist` is not touched, and cannot make a stale package pass. */
async function pack(copy: string): Promise<string> {
  for (const path of BUILT_FROM) cpSync(join(root, path), join(copy, path), { recursive: true });
  await run(copy, 'npm', ['pack', '--silent']);
  const packed = readdirSync(copy).find((file) => file.endsWith('.tgz'));
  if (packed === undefined) throw new Error('npm pack has made no tarball');
  return join(copy, packed);
}

async function install(tarball: string, project: string): Promise<void> {
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--silent'];
  await run(project, 'npm', ['install', ...quiet, tarball]);
}

/**
 * Runs a program and returns what it prints.
 * @throws Error with all it printed when it fails.
 */
export async function run(
  folder: string,
  program: string,
  parameters: readonly string[],
): Promise<string> {
  try {
    const { stdout } = await execute(program, parameters, { cwd: folder });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} ${parameters.join(' ')} failed\n${stdout}\n${stderr}`, {
      cause: error,
    });
  }
}
