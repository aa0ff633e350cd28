/**
 * One run of a task in a worker, as the main thread sees it: it puts what comes into the store, keeps
 * account of how far the run has come, and can begin again from there in another worker.
 */
import { childLineage, type BlockRef } from '../../machines/block.ts';
import type { DeadLetter, RunReport } from '../../machines/hands.protocol.ts';
import type { Credit } from '../../machines/resource/ledger.ts';
import {
  blockFromMessage,
  ownsBuffers,
  type Block,
  type BlockMessage,
  type BlockTransfer,
} from '../block.ts';
import { SlabBlock } from '../columns/slab-block.ts';
import type { Making } from '../origin.ts';
import { RunNews, type RunEnd } from '../run-news.ts';
import { judge, type Running, type RunMessage, type RunTools } from '../running.ts';
import { Loans } from './loans.ts';
import { movableBuffers } from './movable-buffers.ts';
import { unpackError } from './packed-error.ts';
import type { WorkerDelta, WorkerOutput, WorkerReport, WorkerRun } from './protocol.ts';

/** What finds a run a worker, and reaches it there. */
export interface RunPlace {
  /** What the transform there gets of a block. */
  readonly format: 'rows' | 'columns';
  readonly enqueue: (run: RemoteRun) => void;
  readonly addCredit: (run: RemoteRun, credit: Credit) => void;
  readonly cancel: (run: RemoteRun) => void;
}

/** What a worker knows a run by. */
export type RunSeat = Pick<WorkerRun, 'id' | 'place'>;

/** A run as a message, and what of it is moved rather than copied. */
export interface Job {
  readonly message: WorkerRun;
  readonly transfer: Transferable[];
  /** What of it is lent, for whoever sends it, or does not, to give back. */
  readonly loans: Loans;
}

export class RemoteRun implements Running {
  readonly #message: RunMessage;
  readonly #tools: RunTools;
  readonly #place: RunPlace;
  #credit: Credit;
  /** Inputs that are done with. */
  #done = 0;
  /** Outputs of the input in progress that are out, over all attempts. */
  #partial: number;
  /** Rows that fail are given up: they are not worth another attempt. */
  #isLast = false;
  /** Inputs were given away: the run cannot begin again. */
  #gaveAway = false;
  /** Why it is to end before it is done. */
  #ending: { readonly error: unknown } | { readonly cancelled: unknown } | undefined;
  readonly #news = new RunNews();
  #held: Credit | undefined;
  #end: RunEnd | undefined;
  /** Time spent in the transform in all. */
  totalMs = 0;

  constructor(message: RunMessage, tools: RunTools, place: RunPlace) {
    this.#message = message;
    this.#tools = tools;
    this.#place = place;
    this.#credit = message.credit;
    this.#partial = message.skip;
  }

  get number(): number {
    return this.#message.run;
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /** It was told to end and has not yet. */
  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  /** Why it is to end. */
  get endReason(): unknown {
    if (this.#ending === undefined) return undefined;
    return 'error' in this.#ending ? this.#ending.error : this.#ending.cancelled;
  }

  start(): void {
    if (!this.isOver) this.#place.enqueue(this);
  }

  addCredit(credit: Credit): void {
    const { blocks, bytes } = this.#credit;
    this.#credit = { blocks: blocks + credit.blocks, bytes: bytes + credit.bytes };
    this.#held = undefined;
    this.#place.addCredit(this, credit);
  }

  /** Only sources read, and no source runs in a worker. */
  finish(): void {
    return undefined;
  }

  cancel(reason: unknown): void {
    if (this.isOver || (this.#ending !== undefined && 'cancelled' in this.#ending)) return;
    this.#ending = { cancelled: reason };
    this.#place.cancel(this);
  }

  /** Its attempt has failed, but what runs has to end first. */
  fail(error: unknown): void {
    if (this.isOver || this.#ending !== undefined) return;
    this.#ending = { error };
    this.#place.cancel(this);
  }

  takeReport(): RunReport | undefined {
    return this.#news.take({
      run: this.#message.run,
      now: this.#tools.env.now(),
      partial: this.#partial,
      held: this.#held,
      end: this.#end,
      judge: (error) => this.#judge(error),
    });
  }

  /**
   * What is left of the run, for a worker that knows it by `id` and looks for it at `place` of its board: a
   * promise when blocks have to be brought back first.
   */
  job(seat: RunSeat): Job | Promise<Job> {
    const left = this.#message.inputs.slice(this.#done);
    const loaded = left.map((ref) => this.#tools.store.load(ref));
    const here = loaded.filter((block): block is Block<unknown> => !(block instanceof Promise));
    if (here.length === loaded.length) return this.#pack(seat, left, here);
    return Promise.all(loaded.map((block) => Promise.resolve(block))).then((blocks) =>
      this.#pack(seat, left, blocks),
    );
  }

  #pack({ id, place }: RunSeat, left: readonly BlockRef[], inputs: readonly Block<unknown>[]): Job {
    const lineages: string[] = [];
    const blocks: BlockMessage[] = [];
    const transfer: Transferable[] = [];
    const loans = new Loans();
    try {
      for (const [index, ref] of left.entries()) {
        const input = inputs[index];
        if (input === undefined) throw new Error(`block ${ref.lineage} was not loaded`);
        const sent = this.#send(ref, input, loans);
        lineages.push(ref.lineage);
        blocks.push(sent.message);
        transfer.push(...sent.transfer);
      }
    } catch (error) {
      loans.settleAll();
      throw error;
    }
    return {
      transfer,
      loans,
      message: {
        id,
        place,
        lineages,
        attempt: this.#attempt,
        skip: this.#partial,
        credit: this.#credit,
        isLast: this.#isLast,
        blocks,
      },
    };
  }

  /** A block as a message: given away when nobody will ask for it any more, else lent or copied. */
  #send(ref: BlockRef, block: Block<unknown>, loans: Loans): BlockTransfer {
    const { store, program } = this.#tools;
    const isWanted = !program.givesInputsAway || store.isShared(ref);
    // A transform of columns has a block of its own: one that is lent would be copied once more.
    const isLent = block instanceof SlabBlock || (isWanted && this.#place.format === 'rows');
    const loan = isLent ? store.lend(ref) : undefined;
    loans.add(loan);
    if (loan !== undefined) return { message: loan.message, transfer: [] };
    if (isWanted) {
      // A part of a block, even if it is all of it, is copied when it is handed over: once, and moved.
      return block.kind === 'columns'
        ? block.slice(0, block.numRows).toTransfer()
        : block.toTransfer();
    }
    const buffers = ownsBuffers(block) ? movableBuffers(block.rows) : [];
    const { message, transfer } = block.toTransfer();
    this.#gaveAway ||= transfer.length + buffers.length > 0;
    return { message, transfer: [...transfer, ...buffers] };
  }

  acceptOutput([message, consumed, busyMs, droppedRows = []]: WorkerOutput): void {
    this.#acceptDelta({ consumed, busyMs, droppedRows });
    const { store, program, onNews } = this.#tools;
    const lineage = childLineage(this.#message.inputs[this.#done]?.lineage ?? '', this.#partial);
    const block = blockFromMessage(message);
    this.#news.outputs.push(store.put(block, lineage, program.index, this.#making()));
    this.#partial += 1;
    const { blocks, bytes } = this.#credit;
    this.#credit = { blocks: blocks - 1, bytes: bytes - block.sizeBytes };
    onNews();
  }

  /** How the next output is made, if that may be repeated. */
  #making(): Making | undefined {
    const input = this.#message.inputs[this.#done];
    if (this.#tools.program.mayRepeat !== true || input === undefined) return undefined;
    return { input, attempt: this.#attempt, index: this.#partial };
  }

  acceptReport(report: WorkerReport): void {
    this.#acceptDelta(report);
    if (report.held !== undefined) {
      this.#held = report.held;
      this.#news.hold();
    }
    if (report.end === 'done') this.end();
    else if (report.end !== undefined) this.endWith(unpackError(report.end.error));
    this.#tools.onNews();
  }

  #acceptDelta({ consumed, busyMs, droppedRows }: WorkerDelta): void {
    this.#news.busyMs += busyMs;
    this.totalMs += busyMs;
    if (consumed > 0) this.#partial = 0;
    this.#news.consumed += consumed;
    this.#done += consumed;
    const { program, onDeadRow } = this.#tools;
    for (const { letter, cause, row } of droppedRows) {
      const input = this.#message.inputs.find(({ lineage }) => lineage === letter.lineage);
      if (input === undefined) continue;
      const whole: DeadLetter = { ...letter, input, cause: unpackError(cause) };
      this.#news.droppedRows.push(whole);
      if (program.onRowError === 'deadLetter') onDeadRow(whole, row);
    }
  }

  /** It is over, in one way or another: if it was told to end, that is how it has ended. */
  end(): void {
    if (this.#ending !== undefined && 'error' in this.#ending) this.endWith(this.#ending.error);
    else this.#finish({ type: 'end', result: undefined });
  }

  /** Its attempt has failed, and nothing of it runs any more. */
  endWith(error: unknown): void {
    if (this.#ending === undefined) this.#finish({ type: 'error', error });
    else if ('cancelled' in this.#ending) this.#finish({ type: 'end', result: undefined });
    else this.#finish({ type: 'error', error: this.#ending.error });
  }

  #finish(end: RunEnd): void {
    if (this.isOver) return;
    if (end.type === 'error' && this.#giveRowsUp(end.error)) return;
    this.#end = end;
    this.#held = undefined;
    this.#tools.onNews();
  }

  /**
   * The worker of this run is gone through no fault of its own, or has not begun it: it goes on in another.
   * @returns whether it can.
   */
  mayGoOn(): boolean {
    return !this.isOver && !this.isEnding && !this.#gaveAway;
  }

  /**
   * A worker throws a row's error as long as there are attempts left. When this one is not worth
   * another, the rows that fail are given up instead, in the same attempt.
   */
  #giveRowsUp(error: unknown): boolean {
    const { program } = this.#tools;
    const hasAttempts = this.#attempt <= program.retries && !this.#isLast;
    if (program.onRowError === 'fail' || !hasAttempts || this.#ending !== undefined) return false;
    if (this.#judge(error).retryAfter !== undefined) return false;
    this.#isLast = true;
    this.#place.enqueue(this);
    return true;
  }

  get #attempt(): number {
    return this.#done > 0 ? 1 : this.#message.attempt;
  }

  #judge(error: unknown): { error: unknown; retryAfter: number | undefined } {
    return judge(this.#tools.program, error, this.#attempt);
  }
}
