/** `sluice run`: runs the pipeline of a file to its end, and says what it did. */
import type { RunReport } from '../../machines/supervisor/run-report.ts';
import type { Budget } from '../budget.ts';
import { showProgress } from '../node/progress.ts';
import { summaryLines } from '../node/run-summary.ts';
import { paint } from '../node/terminal-text.ts';
import { isSink } from '../plan.ts';
import type { Run } from '../run.ts';
import { SIGNAL_EXIT_CODES, type EndSignal } from './exit-code.ts';
import { loadFlow } from './load-flow.ts';

export interface RunOptions {
  readonly budget?: Budget;
  readonly export?: string;
  readonly quiet?: boolean;
}

/** Returns the exit code. */
export async function runFlow(file: string, options: RunOptions): Promise<number> {
  const { budget = {}, quiet = false } = options;
  const flow = await loadFlow(file, options.export);
  const run = flow.start({ budget });
  const interruption = cancelOnSignals(run);
  showProgress(run, { quiet, summary: false });
  try {
    // What goes wrong meanwhile is told by `run.done`.
    const counting = isSink(flow.node) ? undefined : countRows(run).catch(() => undefined);
    const report = await run.done;
    const rows = await counting;
    if (!quiet) printSummary(run, report, rows);
    if (report.status !== 'cancelled') return 0;
    const signal = interruption.signal();
    process.stderr.write(`sluice: cancelled${signal === undefined ? '' : ` by ${signal}`}\n`);
    return signal === undefined ? 1 : SIGNAL_EXIT_CODES[signal];
  } finally {
    interruption.ignore();
  }
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

/** The first signal cancels the run, the second one ends the process. */
function cancelOnSignals(run: Run<unknown>): {
  readonly signal: () => EndSignal | undefined;
  readonly ignore: () => void;
} {
  let first: EndSignal | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const given = signal as EndSignal;
    if (first !== undefined) process.exit(SIGNAL_EXIT_CODES[given]);
    first = given;
    void run.cancel(signal);
  };
  const signals = Object.keys(SIGNAL_EXIT_CODES) as EndSignal[];
  for (const signal of signals) process.on(signal, onSignal);
  return {
    signal: () => first,
    ignore() {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}
