/** Lists that grow at the end and lose what is oldest. */
import type { Log } from './model.ts';

/** Adds an entry. The list is cut by a quarter at a time, so that it costs little for each entry. */
export function append<T extends { seq: number }>(log: Log<T>, entry: T, keep: number): void {
  log.entries.push(entry);
  if (log.entries.length <= keep * 1.25) return;
  log.dropped += log.entries.length - keep;
  log.entries.splice(0, log.entries.length - keep);
}

/** Cuts a list to its newest `keep` entries. */
export function trim(entries: unknown[], keep: number): void {
  if (entries.length > keep) entries.splice(0, entries.length - keep);
}
