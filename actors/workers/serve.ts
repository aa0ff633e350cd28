/**
 * The side of a worker that works: it opens the transform once, and runs tasks as they come, by the
 * same code that runs them in the main thread. One task has the thread at a time; while it waits for
 * credit, the next one may.
 */
import { describe, WorkerError } from '../../machines/errors.ts';
import type { DeadLetter } from '../../machines/hands.protocol.ts';
import { blockFromMessage, type Block, type BlockMessage } from '../block.ts';
import { ColumnBlock } from '../columns/column-block.ts';
import { liveEnv } from '../env.ts';
import { TaskRun } from '../task-run.ts';
import type { OperatorProgram, TaskPlace } from '../transform.ts';
import { claim, isOffered, setHolder, type Board } from './board.ts';
import { createCompany, type Company } from './company.ts';
import { movableBuffers } from './movable-buffers.ts';
import { findExport, openTransform, type OpenTransform } from './open-transform.ts';
import { createOutbox } from './outbox.ts';
import { packError, unpackError } from './packed-error.ts';
import type {
  PackedLetter,
  ToWorker,
  WorkerDelta,
  WorkerOutput,
  WorkerPort,
  WorkerProgram,
  WorkerRun,
} from './protocol.ts';
import { programOf, runMessage } from './served-run.ts';

/** Serves the functions that a module exports to the pool at the other end of a port. */
export interface ServeTools {
  readonly port: WorkerPort;
  readonly load: () => Promise<Readonly<Record<string, unknown>>>;
  /** Whether this thread holds more bytes of buffers, outside of its heap; false where nobody knows. */
  readonly holdsMoreThan: (bytes: number) => boolean;
}

/** The transform, and the operator as its runs see it: those that another may follow, and the last. */
interface Opened extends OpenTransform {
  readonly attempt: OperatorProgram;
  readonly lastAttempt: OperatorProgram;
}

/** A run, and what of it was not told yet. */
interface Serving {
  readonly id: number;
  readonly place: number;
  readonly run: TaskRun;
  /** The pool cannot take it back any more. */
  hasBegun: boolean;
  consumed: number;
  busyMs: number;
  droppedRows: readonly PackedLetter[];
  /** One of its blocks could not be sent: it has failed, whatever it still does. */
  hasFailed: boolean;
  /** The inputs that came with its own. */
  readonly company: Company;
  /** It is over: its inputs are not missed any more. */
  readonly leaveCompany: () => void;
}

export function serveWorker({ port, load, holdsMoreThan }: ServeTools): void {
  let open: Opened | undefined;
  const lifetime = new AbortController();
  const servings = new Map<number, Serving>();
  /** Who has the thread. */
  let active: Serving | undefined;
  /** Where the pool reads who that is. */
  let board: Board | undefined;
  const outbox = createOutbox(port.post, refuse);
  /** What goes on as soon as the thread is free, in this order. */
  const turns: { readonly serving: Serving; readonly go: () => void }[] = [];

  async function openProgram(program: WorkerProgram): Promise<void> {
    try {
      const exported = findExport(await load(), program.exportName);
      port.post({ type: 'loaded' }, []);
      const { name } = program.operator;
      const opened = await openTransform(exported, program, {
        operator: name,
        worker: program.worker,
        signal: lifetime.signal,
        log: (...values) => {
          log({ operator: name, lineage: '', attempt: 0 }, values);
        },
      });
      open = {
        ...opened,
        attempt: programOf(program, false, opened.call),
        lastAttempt: programOf(program, true, opened.call),
      };
      port.post({ type: 'ready' }, []);
      takeTurns();
    } catch (error) {
      port.post({ type: 'refused', error: packError(error) }, []);
    }
    if (lifetime.signal.aborted) await close();
  }

  function setActive(serving: Serving | undefined): void {
    active = serving;
    setHolder(board, serving?.id ?? 0);
  }

  /** Gives the thread to whoever is first. */
  function takeTurns(): void {
    while (active === undefined && open !== undefined) {
      const turn = turns.shift();
      if (turn === undefined) return;
      if (turn.serving.run.isOver || !begin(turn.serving)) continue;
      setActive(turn.serving);
      turn.go();
    }
  }

  /** Whether the run goes on here: it has begun, or does so now, unless it was taken back. */
  function begin(serving: Serving): boolean {
    serving.hasBegun ||= claim(board, serving.place, serving.id);
    if (!serving.hasBegun) {
      forget(serving);
      closeWhenDone();
    }
    return serving.hasBegun;
  }

  function forget(serving: Serving): void {
    servings.delete(serving.id);
    serving.leaveCompany();
  }

  function acceptAll(runs: readonly WorkerRun[]): void {
    const company = createCompany(runs.flatMap(({ blocks }) => blocks));
    for (const run of runs) accept(run, company);
  }

  function accept(run: WorkerRun, company: Company): void {
    const { id, place } = run;
    const inputs = new Map(run.blocks.entries());
    /** The input in progress. */
    let underway: BlockMessage | undefined;
    let block: Block<unknown> | undefined;
    if (open === undefined) throw new Error('a run has come before the worker was ready');
    const { program, state, attempt, lastAttempt } = open;
    const letterRows = new WeakMap<DeadLetter, unknown>();
    const serving: Serving = {
      id,
      place,
      hasBegun: false,
      consumed: 0,
      busyMs: 0,
      droppedRows: [],
      hasFailed: false,
      company,
      leaveCompany: () => {
        for (const input of [underway, ...inputs.values()]) if (input) company.leave(input);
      },
      run: new TaskRun(runMessage(program, run), {
        env: liveEnv,
        store: {
          load(ref) {
            const input = inputs.get(ref.id);
            if (input === undefined) throw new Error(`block ${ref.lineage} was not sent`);
            inputs.delete(ref.id);
            if (underway !== undefined) company.leave(underway);
            underway = input;
            block = blockFromMessage(input);
            return block;
          },
          put(block, lineage, producer) {
            addOutput(serving, block);
            const { numRows, sizeBytes } = block;
            return { id: 0, lineage, producer, numRows, sizeBytes };
          },
          isShared: () => false,
          lend: () => undefined,
          extend: () => undefined,
          spend: () => {
            if (block instanceof ColumnBlock) block.free();
          },
        },
        program: run.isLast ? lastAttempt : attempt,
        stateful: undefined,
        onNews: () => {
          note(serving, letterRows);
        },
        onLog: log,
        onProgress: ({ operator, lineage, attempt }, fraction) => {
          port.post({ type: 'progress', place: { operator, lineage, attempt }, fraction }, []);
        },
        onDeadRow: (letter, row) => {
          letterRows.set(letter, row);
        },
        worker: { state, poll: port.poll },
      }),
    };
    servings.set(id, serving);
    const go = (): void => {
      serving.run.start();
    };
    turns.push({ serving, go });
  }

  function addOutput(serving: Serving, block: Block<unknown>): void {
    checkMemory();
    // Looked for first: afterwards the block is the other side's.
    const buffers = block.kind === 'rows' ? movableBuffers(block.rows) : [];
    const { message, transfer } = block.toTransfer();
    const output = outputOf(serving, message);
    const all = [...transfer, ...buffers];
    const moved = all.filter((buffer) => !serving.company.isShared(buffer));
    const pending = { output, transfer: moved };
    // What is copied is sent alone: on the other side, too, blocks of one message would share it.
    if (serving.run.isWhole && moved.length === all.length) {
      // That its input is done with follows at once, and is told with it.
      outbox.add(serving.id, pending);
      return;
    }
    // What a generator yields is sent as it comes, behind what was kept.
    outbox.tell();
    try {
      if (!serving.hasFailed) outbox.send(serving.id, pending);
    } catch (error) {
      // What was done before is done all the same.
      const [, consumed, busyMs, droppedRows = []] = output;
      Object.assign(serving, { consumed, busyMs: serving.busyMs + busyMs, droppedRows });
      throw error;
    }
  }

  /** One of its blocks could not be sent: that is its end, whatever it still does or has done. */
  function refuse(
    id: number,
    [, consumed, busyMs, droppedRows = []]: WorkerOutput,
    error: unknown,
  ): void {
    const serving = servings.get(id);
    if (serving !== undefined) serving.hasFailed = true;
    const next = active?.id === id ? nextTurn()?.serving.id : active?.id;
    const end = { error: packError(error) };
    const done = { consumed, busyMs, droppedRows };
    const report = { ...done, held: undefined, end, next, isSpent: false };
    port.post({ type: 'news', news: [{ id, outputs: [], report }] }, []);
    serving?.run.cancel(error);
  }

  /** Something has happened in a run. What is not urgent waits for its next message. */
  function note(serving: Serving, letterRows: WeakMap<DeadLetter, unknown>): void {
    const news = serving.run.takeReport();
    if (news === undefined) return;
    serving.consumed += news.consumed;
    serving.busyMs += news.busyMs;
    for (const letter of news.droppedRows) {
      const { cause, operator, lineage, attempts, row: index, published } = letter;
      const row = letterRows.get(letter);
      const place = { operator, lineage, attempts, row: index, published };
      const packed = { letter: place, cause: packError(cause), row };
      serving.droppedRows = [...serving.droppedRows, packed];
    }
    const isOver = news.type !== 'run.progress';
    const held = isOver ? undefined : news.held;
    const isFree = isOver || held !== undefined;
    const isTimed = open?.program.reportsInputs === true && news.consumed > 0;
    if (!isFree && !isTimed && !(news.consumed > 0 && outbox.isDue())) return;
    const next = isFree ? nextTurn()?.serving.id : undefined;
    if (!serving.hasFailed) {
      const error = news.type === 'run.error' ? { error: packError(news.error) } : 'done';
      const { consumed, busyMs, droppedRows } = takeDelta(serving);
      outbox.report(serving.id, {
        consumed,
        busyMs,
        droppedRows,
        held,
        end: isOver ? error : undefined,
        next,
        isSpent: isOver && isSpent(),
      });
      // That a run is over can wait when the next one is here, and the pool sees which one that is.
      const mayWait = news.type === 'run.end' && next !== undefined && board !== undefined;
      if (isTimed || !mayWait || outbox.isDue()) outbox.tell();
    }
    if (isOver) forget(serving);
    if (active === serving && isFree) setActive(undefined);
    closeWhenDone();
    takeTurns();
  }

  function nextTurn(): (typeof turns)[number] | undefined {
    return turns.find(
      ({ serving: { id, place, run, hasBegun } }) =>
        !run.isOver && (hasBegun || isOffered(board, place, id)),
    );
  }

  function log({ operator, lineage, attempt }: TaskPlace, values: readonly unknown[]): void {
    const place = { operator, lineage, attempt };
    try {
      port.post({ type: 'log', place, values }, []);
    } catch {
      port.post({ type: 'log', place, values: values.map(describe) }, []);
    }
  }

  function isSpent(): boolean {
    const limit = open?.program.bufferBytes;
    return limit !== undefined && holdsMoreThan(limit);
  }

  function checkMemory(): void {
    if (!isSpent()) return;
    throw new WorkerError(
      'memory',
      `the worker holds more than ${String(open?.program.bufferBytes)} bytes of buffers: raise its memoryBytes, or yield smaller blocks`,
    );
  }

  function addCredit(
    serving: Serving,
    credit: Extract<ToWorker, { type: 'credit' }>['credit'],
  ): void {
    if (active === serving) {
      serving.run.addCredit(credit);
      return;
    }
    // It has held, and is older than whatever waits to begin.
    const go = (): void => {
      serving.run.addCredit(credit);
    };
    turns.unshift({ serving, go });
    takeTurns();
  }

  function closeWhenDone(): void {
    if (servings.size === 0 && lifetime.signal.aborted) void close();
  }

  async function close(): Promise<void> {
    if (servings.size > 0) return;
    try {
      await open?.teardown();
    } catch (error) {
      log({ operator: open?.program.operator.name ?? '', lineage: '', attempt: 0 }, [error]);
    }
    port.post({ type: 'closed' }, []);
  }

  port.listen((message) => {
    switch (message.type) {
      case 'open':
        ({ board } = message);
        void openProgram(message.program);
        break;
      case 'runs':
        acceptAll(message.runs);
        takeTurns();
        break;
      case 'credit': {
        const serving = servings.get(message.id);
        if (serving !== undefined) addCredit(serving, message.credit);
        break;
      }
      case 'cancel':
        servings.get(message.id)?.run.cancel(unpackError(message.reason));
        break;
      case 'close':
        lifetime.abort();
        if (open !== undefined) void close();
        break;
    }
  });
}

function takeDelta(serving: Serving): WorkerDelta {
  const { consumed, busyMs, droppedRows } = serving;
  serving.consumed = 0;
  serving.busyMs = 0;
  serving.droppedRows = [];
  return { consumed, busyMs, droppedRows };
}

/** A block, with what was done before its input, if that was not told yet. */
function outputOf(serving: Serving, block: BlockMessage): WorkerOutput {
  if (serving.consumed === 0 && serving.droppedRows.length === 0) return [block, 0, 0];
  const { consumed, busyMs, droppedRows } = takeDelta(serving);
  return droppedRows.length === 0
    ? [block, consumed, busyMs]
    : [block, consumed, busyMs, droppedRows];
}
