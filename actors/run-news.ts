/** What has happened in a run since its last report: the run adds to it, its runner takes it. */
import type { BlockRef } from '../machines/block.ts';
import type { DeadLetter, RunDelta, RunReport } from '../machines/hands.protocol.ts';
import type { Credit } from '../machines/resource/ledger.ts';
import type { StatefulResult } from './transform.ts';

/** How a run has ended. */
export type RunEnd =
  | { readonly type: 'end'; readonly result: StatefulResult | undefined }
  | { readonly type: 'error'; readonly error: unknown };

/** How a run stands when it reports. */
interface Standing extends Pick<RunDelta, 'run' | 'now' | 'partial'> {
  /** Credit it waits for. */
  readonly held: Credit | undefined;
  readonly end: RunEnd | undefined;
  /** Whether an attempt that has failed should be repeated, and when. */
  readonly judge: (error: unknown) => { error: unknown; retryAfter: number | undefined };
}

export class RunNews {
  outputs: BlockRef[] = [];
  /** Inputs that are done with. */
  consumed = 0;
  busyMs = 0;
  droppedRows: DeadLetter[] = [];
  #heldReported = false;

  /** It waits for credit anew. */
  hold(): void {
    this.#heldReported = false;
  }

  /** The next report; undefined when nothing has happened. */
  take({ run, now, partial, held, end, judge }: Standing): RunReport | undefined {
    const { outputs, consumed, busyMs, droppedRows } = this;
    const isNews = outputs.length > 0 || consumed > 0 || end !== undefined;
    if (!isNews && (held === undefined || this.#heldReported)) return undefined;
    this.outputs = [];
    this.consumed = 0;
    this.busyMs = 0;
    this.droppedRows = [];
    this.#heldReported = held !== undefined;
    // Field by field: there are many reports, and V8 is slow to spread one object into another.
    if (end === undefined) {
      return {
        type: 'run.progress',
        run,
        now,
        outputs,
        consumed,
        partial,
        busyMs,
        droppedRows,
        held,
      };
    }
    const delta: RunDelta = { run, now, outputs, consumed, partial, busyMs, droppedRows };
    if (end.type === 'error') return { type: 'run.error', ...delta, ...judge(end.error) };
    const { satisfied = false, wants } = end.result ?? {};
    return { type: 'run.end', ...delta, satisfied, wants };
  }
}
