/** Programs of the project as child processes, whose output can be waited for. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Child {
  /** Resolves when it has printed this, on either stream. */
  readonly printed: (text: string) => Promise<void>;
  /** The same, for a pattern: resolves with what matched. */
  readonly match: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<Ended>;
}

/** The command line, run from its TypeScript sources. */
export function sluice(args: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
  return program('src/cli/main.ts', args, env);
}

/** Starts a TypeScript file of the project, given as a path from its root. */
export function program(
  path: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Child {
  return child(process.execPath, ['--import', 'tsx', path, ...args], root, env);
}

export function child(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Child {
  const started = spawn(command, args, { cwd, env: { ...process.env, ...env } });
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  const note = (): void => {
    for (const look of waiting) look();
  };
  started.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    note();
  });
  started.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    note();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    started.on('error', reject);
    started.on('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
  function match(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(`${stdout}\n${stderr}`);
        if (found === null) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
      void ended.then((end) => {
        reject(new Error(`it ended without printing ${String(pattern)}: ${JSON.stringify(end)}`));
      });
    });
  }
  return {
    ended,
    kill: (signal) => {
      started.kill(signal);
    },
    match,
    printed: async (text) => {
      await match(new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')));
    },
  };
}
