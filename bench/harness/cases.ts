/**
 * Runs benchmark cases, each in a process of its own: none profits or suffers from what another has
 * compiled, allocated or left behind. The cases of a round come in an order of chance.
 *
 * There is no benchmarking library underneath. tinybench and mitata call a function many times within
 * one process; here each call is a long run, and its process is part of what is measured: its CPU
 * time, its peak memory, and whether it ends by itself.
 */
import { spawn } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { shuffled, summarize, type Summary } from './statistics.ts';

/** What one run of a case has measured, by name. */
export type Measurement = Readonly<Record<string, number>>;

export type Cases = Readonly<Record<string, () => Promise<Measurement>>>;

/** The measurements of every case, one a round. */
export interface Results {
  readonly names: readonly string[];
  readonly rounds: number;
  /** What was measured of a case. */
  readonly keys: (name: string) => readonly string[];
  /** Median and range of one measured value of one case. */
  readonly of: (name: string, value: string) => Summary;
}

/** A process that has done its work has so long to end by itself, in milliseconds. */
const EXIT_GRACE_MS = 5_000;
/** Milliseconds from the last output of a process to its end; NaN when it had to be killed. */
export const EXIT_MS = 'exitMs';

/**
 * Runs every case some rounds long and prints what came of it; in a child process, runs one case.
 *
 * Arguments: `--rounds <n>`, and `--only <text>` for the cases with this in their name.
 */
export async function benchmark(
  moduleUrl: string,
  cases: Cases,
  print: (results: Results) => void,
  defaultRounds = 5,
): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: String(defaultRounds) },
      only: { type: 'string', default: '' },
      case: { type: 'string' },
    },
  });
  if (values.case !== undefined) {
    const measured = await cases[values.case]?.();
    process.stdout.write(`${JSON.stringify(measured)}\n`);
    return;
  }
  const names = Object.keys(cases).filter((name) => name.includes(values.only));
  const rounds = Number(values.rounds);
  const measurements = new Map<string, Measurement[]>(names.map((name) => [name, []]));
  console.log(describeMachine());
  for (let round = 1; round <= rounds; round++) {
    for (const name of shuffled(names)) {
      showProgress(`round ${String(round)} of ${String(rounds)}: ${name}`);
      measurements.get(name)?.push(await runInChild(moduleUrl, name));
    }
  }
  showProgress('');
  print({
    names,
    rounds,
    keys: (name) => Object.keys(measurements.get(name)?.[0] ?? {}),
    of: (name, value) =>
      summarize((measurements.get(name) ?? []).map((measured) => measured[value] ?? NaN)),
  });
}

/** Wall and CPU time of some work, in milliseconds; garbage collection and compilation included. */
export async function stopwatch(
  work: () => Promise<unknown>,
): Promise<{ wallMs: number; cpuMs: number }> {
  collectGarbage();
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  await work();
  const wallMs = performance.now() - before;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { wallMs, cpuMs: (user + system) / 1000 };
}

/** Bytes of the heap that are in use after a full garbage collection. */
export function heapInUse(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('the process needs --expose-gc');
  globalThis.gc();
}

function runInChild(moduleUrl: string, name: string): Promise<Measurement> {
  const file = fileURLToPath(moduleUrl);
  const flags = [...process.execArgv, '--expose-gc'];
  const child = spawn(process.execPath, [...flags, file, '--case', name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  let doneAt = NaN;
  let grace: NodeJS.Timeout | undefined;
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text: string) => {
    output += text;
    doneAt = performance.now();
    grace ??= setTimeout(() => child.kill(), EXIT_GRACE_MS);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(grace);
      const exitMs = code === 0 ? performance.now() - doneAt : NaN;
      if (output === '') reject(new Error(`case "${name}" ended with ${String(code)}`));
      else resolve({ ...(JSON.parse(output) as Measurement), [EXIT_MS]: exitMs });
    });
  });
}

function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

function describeMachine(): string {
  const [cpu] = cpus();
  const model = cpu === undefined ? 'unknown CPU' : cpu.model.trim();
  const load = loadavg()[0]?.toFixed(1) ?? 'unknown';
  const system = `${process.platform} ${process.arch}, ${String(cpus().length)} x ${model}`;
  return `Node ${process.version}, ${system}, load ${load} before the first round`;
}
