/**
 * Sends runs to a worker. A message costs more than what is in it, so all runs that a worker is given in
 * one turn go in one.
 */
import type { Loans } from './loans.ts';
import type { ToWorker, WorkerRun } from './protocol.ts';
import type { Job, RemoteRun } from './remote-run.ts';

/** A run on its way to a worker, by its number there. */
export interface Outgoing {
  readonly id: number;
  readonly place: number;
  readonly run: RemoteRun;
}

export interface RunSenderTools<TOutgoing extends Outgoing> {
  readonly post: (message: ToWorker, transfer: Transferable[]) => void;
  /** Whether the run is still to be sent, now that all of it is there. */
  readonly isWanted: (outgoing: TOutgoing) => boolean;
  /** `loans`: what of it is to be given back when the worker is done with it. */
  readonly onSent: (outgoing: TOutgoing, loans: Loans) => void;
  /** Its input could not be read, or cannot be sent. */
  readonly onRefused: (outgoing: TOutgoing, cause: unknown) => void;
}

interface Packed<TOutgoing> {
  readonly outgoing: TOutgoing;
  readonly job: Job;
}

/** @returns what takes a run, to be sent when the current turn is over. */
export function createRunSender<TOutgoing extends Outgoing>({
  post,
  isWanted,
  onSent,
  onRefused,
}: RunSenderTools<TOutgoing>): (outgoing: TOutgoing) => void {
  let waiting: Packed<TOutgoing>[] = [];

  function add(outgoing: TOutgoing): void {
    try {
      const job = outgoing.run.job(outgoing);
      // What is here does not wait for what has to be brought back.
      if (job instanceof Promise) void addLater(outgoing, job);
      else keep({ outgoing, job });
    } catch (cause) {
      // Not before whoever gives it is done with that.
      void Promise.resolve().then(() => {
        onRefused(outgoing, cause);
      });
    }
  }

  async function addLater(outgoing: TOutgoing, job: Promise<Job>): Promise<void> {
    try {
      keep({ outgoing, job: await job });
    } catch (cause) {
      onRefused(outgoing, cause);
    }
  }

  function keep(packed: Packed<TOutgoing>): void {
    if (waiting.length === 0) void Promise.resolve().then(send);
    waiting.push(packed);
  }

  function send(): void {
    // More may be given while these are looked at.
    const given = waiting;
    waiting = [];
    const packed = given.filter(({ outgoing, job }) => {
      if (isWanted(outgoing)) return true;
      job.loans.settleAll();
      return false;
    });
    try {
      postAll(packed);
    } catch {
      packed.forEach(sendAlone);
      return;
    }
    for (const { outgoing, job } of packed) onSent(outgoing, job.loans);
  }

  /** One of several cannot be sent: whatever others there are can. */
  function sendAlone(packed: Packed<TOutgoing>): void {
    try {
      postAll([packed]);
    } catch (cause) {
      packed.job.loans.settleAll();
      onRefused(packed.outgoing, cause);
      return;
    }
    onSent(packed.outgoing, packed.job.loans);
  }

  function postAll(packed: readonly Packed<TOutgoing>[]): void {
    if (packed.length === 0) return;
    const runs: WorkerRun[] = [];
    const transfer: Transferable[] = [];
    for (const { job } of packed) {
      runs.push(job.message);
      transfer.push(...job.transfer);
    }
    post({ type: 'runs', runs }, transfer);
  }

  return add;
}
