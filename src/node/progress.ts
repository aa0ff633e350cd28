/** Shows how a run goes, in a terminal or in a log, for as long as it goes. */
import type { Env } from '../../actors/env.ts';
import type { RunReport } from '../../machines/supervisor/run-report.ts';
import { checkNames } from '../options.ts';
import type { Run } from '../run.ts';
import { backgroundEnv } from './background-env.ts';
import { liveLines, type Screen } from './live-lines.ts';
import { progressLines, statusText, type Sighting } from './progress-view.ts';
import { outcomeLine, summaryLines } from './run-summary.ts';
import { paint, type Line } from './terminal-text.ts';

export interface ProgressOptions {
  /** Says nothing at all. Default: false. */
  readonly quiet?: boolean;
  /** Where it is shown. Default: standard error, which leaves standard output to the program. */
  readonly stream?: Screen;
  /** Says in the end what the run did. Default: true. */
  readonly summary?: boolean;
  /** The clock and timers to go by. Default: real ones that do not keep the process alive. */
  readonly env?: Env;
}

/** How often a terminal is redrawn, and how often a log gets a line. */
const REDRAW_MS = 200;
const LOG_MS = 5000;
/** Rates are those of so many milliseconds back: shorter ones jump about. */
const RATE_WINDOW_MS = 2000;

/**
 * Shows the progress of a run until it ends: on a terminal as a table that is redrawn in place,
 * elsewhere as a line every few seconds. It only looks: it never keeps the process alive, and nothing
 * that goes wrong with it reaches the run.
 *
 * @example
 * const run = flow.start();
 * showProgress(run);
 * await run.done;
 */
export function showProgress<T>(run: Run<T>, options: ProgressOptions = {}): void {
  checkNames('options', options, ['quiet', 'stream', 'summary', 'env']);
  const { quiet = false, stream = process.stderr, summary = true, env = backgroundEnv } = options;
  if (quiet) return;
  const view = hasRoom(stream) ? terminalView(stream, summary) : logView(stream, summary);
  let stopTimer = (): void => undefined;

  const sight = (): Sighting => ({ snapshot: run.snapshot(), at: env.now() });
  /** What was seen in the last while, the oldest first. */
  const first = sight();
  let seen = [first];

  function look(): void {
    const now = sight();
    const recent = seen.filter(({ at }) => now.at - at <= RATE_WINDOW_MS);
    seen = [...(recent.length > 0 ? recent : seen.slice(-1)), now];
    view.show(now, seen[0] ?? now, now.at - first.at);
    stopTimer = env.setTimer(view.everyMs, guarded(look));
  }

  function end(): void {
    stopTimer();
    const now = sight();
    const { output } = run.actor.getSnapshot();
    // Only a run that did not fail has a report.
    if (output === undefined) view.showFailure(now, first, now.at - first.at);
    else view.showEnd(output, now);
    view.close();
    // An error that is still on its way must find somebody; if there is none, nobody needs to listen.
    stream.write('', (error) => {
      if (error === null || error === undefined) stream.off('error', ignore);
    });
  }

  /** Whatever goes wrong here ends the view, and nothing else. */
  function guarded(act: () => void): () => void {
    return () => {
      try {
        act();
      } catch {
        stopTimer();
        view.close();
      }
    };
  }

  stream.on('error', ignore);
  stopTimer = env.setTimer(view.everyMs, guarded(look));
  run.actor.subscribe({ complete: guarded(end), error: guarded(end) });
}

interface View {
  readonly everyMs: number;
  readonly show: (now: Sighting, before: Sighting, elapsedMs: number) => void;
  readonly showEnd: (report: RunReport, now: Sighting) => void;
  readonly showFailure: (now: Sighting, before: Sighting, elapsedMs: number) => void;
  /** Lets go of the stream. */
  readonly close: () => void;
}

/** Terminals with a live view at the bottom: there is room for one. */
const taken = new WeakSet<Screen>();

function hasRoom(stream: Screen): boolean {
  // A dumb terminal, like that of an editor, knows no cursor moves.
  const isDumb = isStandard(stream) && process.env['TERM'] === 'dumb';
  return stream.isTTY === true && !isDumb && !taken.has(stream);
}

function isStandard(stream: Screen): boolean {
  return stream === process.stdout || stream === process.stderr;
}

function terminalView(screen: Screen, summary: boolean): View {
  const live = liveLines(screen, neighboursOf(screen));
  taken.add(screen);
  return {
    everyMs: REDRAW_MS,
    show(now, before, elapsedMs) {
      live.draw(progressLines(now, before, elapsedMs));
    },
    showEnd(report, { snapshot }) {
      if (summary) live.draw(summaryLines(report, snapshot));
      else live.erase();
    },
    // The last view stays: it shows where it happened.
    showFailure(now, before, elapsedMs) {
      live.draw(progressLines(now, before, elapsedMs));
    },
    close() {
      live.close();
      taken.delete(screen);
    },
  };
}

/** What the program prints to the same terminal should appear above the live view. */
function neighboursOf(screen: Screen): readonly Screen[] {
  if (!isStandard(screen)) return [screen];
  return [process.stdout, process.stderr].filter(({ isTTY }) => isTTY);
}

function logView(stream: Screen, summary: boolean): View {
  return {
    everyMs: LOG_MS,
    show(now, before, elapsedMs) {
      stream.write(`${statusText(now, before, elapsedMs)}\n`);
    },
    showEnd(report, { snapshot }) {
      if (summary) stream.write(`${lineText(outcomeLine(report, snapshot))}\n`);
    },
    showFailure(now, before, elapsedMs) {
      if (summary) stream.write(`${statusText(now, before, elapsedMs)}\n`);
    },
    close: () => undefined,
  };
}

/** A line for a log: as long as it is, and without colours. */
function lineText(line: Line): string {
  return paint(line, Infinity, false);
}

function ignore(): void {
  // A terminal or a log that is gone is no reason to stop a run.
}
