/**
 * What a worker tells the pool, and when: a message costs as much as a short task, so what is not urgent
 * is told together.
 */
import { describe, WorkerError } from '../../machines/errors.ts';
import { liveEnv } from '../env.ts';
import type { RunNews, WorkerOutput, WorkerPort, WorkerReport } from './protocol.ts';

/** What is not urgent is told so many milliseconds after the last message at the latest. */
const TELL_MS = 4;

/** A block that was made, and what of it is moved. */
export interface Pending {
  readonly output: WorkerOutput;
  readonly transfer: Transferable[];
}

/** News of a run that were not told yet. */
interface Letter {
  readonly id: number;
  readonly outputs: Pending[];
  report: WorkerReport | undefined;
}

export interface Outbox {
  /** Keeps a block until something is told. */
  readonly add: (id: number, pending: Pending) => void;
  /** Keeps a report likewise. */
  readonly report: (id: number, report: WorkerReport) => void;
  /** Whether what is not urgent has waited for long enough. */
  readonly isDue: () => boolean;
  /** Tells all that was kept. */
  readonly tell: () => void;
  /**
   * Tells of one block at once.
   * @throws WorkerError when it cannot be sent.
   */
  readonly send: (id: number, pending: Pending) => void;
}

/** @param onRefused one of a run's blocks could not be sent: what it was told then has to be its end. */
export function createOutbox(
  post: WorkerPort['post'],
  onRefused: (id: number, output: WorkerOutput, error: unknown) => void,
): Outbox {
  let letters: Letter[] = [];
  let toldAt = liveEnv.now();
  let stopTimer: (() => void) | undefined;

  /** The letter that what a run says next is put into. */
  function letterTo(id: number): Letter {
    // The transform may wait for something before there is any more to tell.
    stopTimer ??= liveEnv.setTimer(TELL_MS, tell);
    const last = letters.at(-1);
    if (last?.id === id && last.report === undefined) return last;
    const letter = { id, outputs: [], report: undefined };
    letters.push(letter);
    return letter;
  }

  function tell(): void {
    stopTimer?.();
    stopTimer = undefined;
    toldAt = liveEnv.now();
    const told = letters;
    letters = [];
    if (told.length === 0) return;
    const news: RunNews[] = [];
    const transfer: Transferable[] = [];
    for (const letter of told) news.push(toNews(letter, transfer));
    try {
      postNews(news, transfer);
    } catch {
      tellOneByOne(told);
    }
  }

  /** Something among all this cannot be sent: whatever else there is can. */
  function tellOneByOne(told: readonly Letter[]): void {
    const refused = new Set<number>();
    for (const { id, outputs, report } of told) {
      for (const pending of outputs) {
        if (refused.has(id)) break;
        try {
          send(id, pending);
        } catch (error) {
          refused.add(id);
          onRefused(id, pending.output, error);
        }
      }
      if (report === undefined || refused.has(id)) continue;
      // Only a row that was given up is left: it was changed into something that cannot be sent.
      const droppedRows = report.droppedRows.map((dropped) => ({ ...dropped, row: undefined }));
      postNews([{ id, outputs: [], report: { ...report, droppedRows } }], []);
    }
  }

  function send(id: number, { output, transfer }: Pending): void {
    try {
      postNews([{ id, outputs: [output], report: undefined }], transfer);
    } catch (cause) {
      throw new WorkerError(
        'message',
        `what was yielded cannot be sent from the worker (${describe(cause)}): rows must be data that structuredClone can copy, and a large buffer can be yielded once`,
        { cause },
      );
    }
  }

  function postNews(news: readonly RunNews[], transfer: Transferable[]): void {
    post({ type: 'news', news }, transfer);
  }

  return {
    add(id, pending) {
      letterTo(id).outputs.push(pending);
    },
    report(id, report) {
      letterTo(id).report = report;
    },
    isDue: () => liveEnv.now() - toldAt >= TELL_MS,
    tell,
    send,
  };
}

/** @param transfer is given what of it is moved. */
function toNews({ id, outputs: pending, report }: Letter, transfer: Transferable[]): RunNews {
  const outputs: WorkerOutput[] = [];
  for (const { output, transfer: moved } of pending) {
    outputs.push(output);
    transfer.push(...moved);
  }
  return { id, outputs, report };
}
