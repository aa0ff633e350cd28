/** What the process says of its end to whoever started it. */
import { CommanderError } from 'commander';

export const EXIT_CODES_HELP = `Exit codes:
  0    the run is done
  1    the run failed, or the file could not be loaded
  2    wrong usage, a pipeline that can never run, or a wrong option
  130  interrupted (SIGINT, Ctrl-C)
  143  terminated (SIGTERM)

The first signal reads no more and finishes what was read; the second one cancels the
run and waits for its end; the third one exits at once.`;

export const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

export type EndSignal = keyof typeof SIGNAL_EXIT_CODES;

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return isRefusal(error) ? 2 : 1;
}

/** Errors that say: what was asked for cannot be. */
export function isRefusal(error: unknown): boolean {
  // By its code, not its class: the file may have brought a copy of Sluice of its own.
  const { code } = error instanceof Error ? (error as { code?: unknown }) : {};
  return code === 'USAGE' || code === 'PLAN' || code === 'OPTION';
}
