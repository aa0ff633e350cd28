/** `sluice run`: runs the pipeline of a file to its end, and says what it did. */
import type { RunReport } from '../../machines/supervisor/run-report.ts';
import type { Budget } from '../budget.ts';
import { inspectionAsked } from '../inspect/asked.ts';
import { showProgress } from '../node/progress.ts';
import { summaryLines } from '../node/run-summary.ts';
import { paint } from '../node/terminal-text.ts';
import type { Inspector, RecordingFile } from '../inspect/server/index.ts';
import { recordRun } from '../node-tools.ts';
import { isSink } from '../plan.ts';
import type { Run } from '../run.ts';
import { SIGNAL_EXIT_CODES, type EndSignal } from './exit-code.ts';
import { UsageError } from './cli-errors.ts';
import { loadFlow } from './load-flow.ts';
import { signalGiven } from './signals.ts';

export interface RunOptions {
  readonly budget?: Budget;
  readonly export?: string;
  readonly quiet?: boolean;
  /** Shows the run in the inspector. */
  readonly inspect?: boolean;
  /** Lets those who look hold, step and change the run. */
  readonly control?: boolean;
  /** Keeps the inspector after the run until the process is interrupted. */
  readonly stay?: boolean;
  /** A file to record the run to. */
  readonly record?: string;
}

/** Returns the exit code. */
export async function runFlow(file: string, options: RunOptions): Promise<number> {
  const { budget = {}, quiet = false } = options;
  const wanted = withAsked(options);
  const flow = await loadFlow(file, options.export);
  const inspector = await inspectorFor(wanted);
  const run = flow.start({ budget });
  if (inspector !== undefined) {
    const url = inspector.inspect(run);
    process.stderr.write(`inspector: ${url}\n`);
  }
  const recording = options.record === undefined ? undefined : recordRun(run, options.record, {});
  const interruption = endOnSignals(run);
  showProgress(run, { quiet, summary: false });
  try {
    // What goes wrong meanwhile is told by `run.done`.
    const counting = isSink(flow.node) ? undefined : countRows(run).catch(() => undefined);
    const report = await run.done;
    const rows = await counting;
    if (!quiet) printSummary(run, report, rows);
    await closeRecording(recording);
    const signal = interruption.signal();
    // From here on a signal ends the inspector, and says nothing of the run.
    interruption.ignore();
    if (inspector !== undefined) await stay(inspector, options.stay === true);
    if (report.status === 'cancelled') {
      process.stderr.write(`sluice: cancelled${signal === undefined ? '' : ` by ${signal}`}\n`);
    }
    if (signal !== undefined) return SIGNAL_EXIT_CODES[signal];
    return report.status === 'done' ? 0 : 1;
  } finally {
    interruption.ignore();
  }
}

/** The options, and what `SLUICE_INSPECT` asks for besides. */
function withAsked(options: RunOptions): RunOptions {
  const asked = inspectionAsked();
  // It is done here, where the inspector stays as long as somebody looks: runs need not do it again.
  delete process.env['SLUICE_INSPECT'];
  if (asked === undefined) return options;
  return { ...options, inspect: true, control: asked.control || options.control === true };
}

/** The inspector is there before the run begins, so that it misses nothing. */
async function inspectorFor({
  inspect = false,
  control = false,
  stay = false,
}: RunOptions): Promise<Inspector | undefined> {
  if (!inspect) {
    if (!control && !stay) return undefined;
    throw new UsageError('--control and --stay are for the inspector: add --inspect');
  }
  const { startInspector } = await import('../inspect/server/index.ts');
  return startInspector({ control });
}

/** After the run: as long as somebody looks at it, or until it is interrupted. */
async function stay(inspector: Inspector, always: boolean): Promise<void> {
  if (always || inspector.viewers > 0) {
    const until = always ? 'Ctrl-C ends it' : 'it ends when the page is closed, or with Ctrl-C';
    process.stderr.write(`sluice: the run is over; the inspector stays: ${until}\n`);
    await (always ? signalGiven() : signalGiven(inspector.idle()));
  }
  await inspector.close();
}

async function closeRecording(recording: RecordingFile | undefined): Promise<void> {
  if (recording === undefined) return;
  await recording.done;
  const lost = recording.lost === 0 ? '' : `, ${String(recording.lost)} left out`;
  process.stderr.write(
    `sluice: recorded ${String(recording.events)} events${lost}; see them with: sluice open ${recording.path}\n`,
  );
}

/** Takes all rows and lets them go. */
async function countRows(run: Run<unknown>): Promise<number> {
  let rows = 0;
  for await (const ref of run.refs()) {
    rows += ref.numRows;
    run.release(ref);
  }
  return rows;
}

function printSummary(run: Run<unknown>, report: RunReport, rows: number | undefined): void {
  const { stdout } = process;
  const width = stdout.isTTY ? stdout.columns - 1 : Infinity;
  const colors = stdout.isTTY && stdout.hasColors();
  for (const line of summaryLines(report, run.snapshot(), rows)) {
    stdout.write(`${paint(line, width, colors)}\n`);
  }
}

/** The first signal stops reading and lets the rest finish, the second cancels, the third exits. */
function endOnSignals(run: Run<unknown>): {
  readonly signal: () => EndSignal | undefined;
  readonly ignore: () => void;
} {
  const given: EndSignal[] = [];
  const onSignal = (name: NodeJS.Signals): void => {
    const signal = name as EndSignal;
    given.push(signal);
    if (given.length > 2) process.exit(SIGNAL_EXIT_CODES[signal]);
    if (given.length === 2) {
      void run.cancel(signal);
      return;
    }
    process.stderr.write('sluice: reads no more and finishes the rest; once more to cancel\n');
    void run.stop();
  };
  const signals = Object.keys(SIGNAL_EXIT_CODES) as EndSignal[];
  for (const signal of signals) process.on(signal, onSignal);
  return {
    signal: () => given.at(-1),
    ignore() {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}
