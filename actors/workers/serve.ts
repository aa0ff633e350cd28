/**
 * The side of a worker that works: it opens the transform once, and runs tasks as they come, by the
 * same code that runs them in the main thread. One task has the thread at a time; while it waits for
 * credit, the next one may.
 */
import { describe, WorkerError } from '../../machines/errors.ts';
import type { DeadLetter } from '../../machines/hands.protocol.ts';
import { blockFromMessage, type Block } from '../block.ts';
import { liveEnv } from '../env.ts';
import { TaskRun } from '../task-run.ts';
import type { OperatorProgram, TaskPlace } from '../transform.ts';
import { movableBuffers } from './movable-buffers.ts';
import { findExport, openTransform, type OpenTransform } from './open-transform.ts';
import { packError, unpackError } from './packed-error.ts';
import type {
  FromWorker,
  PackedLetter,
  ToWorker,
  WorkerDelta,
  WorkerPort,
  WorkerProgram,
  WorkerRun,
} from './protocol.ts';

/** A run says what it has done so many milliseconds after it said so last, if nothing else does. */
const TELL_MS = 2;

/** Serves the functions that a module exports to the pool at the other end of a port. */
export interface ServeTools {
  readonly port: WorkerPort;
  readonly load: () => Promise<Readonly<Record<string, unknown>>>;
  /** Whether this thread holds more bytes of buffers, outside of its heap; false where nobody knows. */
  readonly holdsMoreThan: (bytes: number) => boolean;
}

/** A run, and what of it was not told yet. */
interface Serving {
  readonly id: number;
  readonly run: TaskRun;
  consumed: number;
  busyMs: number;
  droppedRows: PackedLetter[];
  toldAt: number;
}

export function serveWorker({ port, load, holdsMoreThan }: ServeTools): void {
  let open: OpenTransform | undefined;
  const lifetime = new AbortController();
  const servings = new Map<number, Serving>();
  /** Who has the thread. */
  let active: Serving | undefined;
  /** What goes on as soon as the thread is free, in this order. */
  const turns: { readonly serving: Serving; readonly go: () => void }[] = [];

  async function openProgram(program: WorkerProgram): Promise<void> {
    try {
      const exported = findExport(await load(), program.exportName);
      port.post({ type: 'loaded' }, []);
      const { name } = program.operator;
      open = await openTransform(exported, program, {
        operator: name,
        worker: program.worker,
        signal: lifetime.signal,
        log: (...values) => {
          log({ operator: name, lineage: '', attempt: 0 }, values);
        },
      });
      port.post({ type: 'ready' }, []);
      takeTurns();
    } catch (error) {
      port.post({ type: 'refused', error: packError(error) }, []);
    }
    if (lifetime.signal.aborted) await close();
  }

  /** Gives the thread to whoever is first. */
  function takeTurns(): void {
    while (active === undefined && open !== undefined) {
      const turn = turns.shift();
      if (turn === undefined) return;
      if (turn.serving.run.isOver) continue;
      active = turn.serving;
      turn.go();
    }
  }

  /** Runs wait for `setup` without being made: what they are made of is only known then. */
  function accept(id: number, { blocks, isLast, ...message }: WorkerRun): void {
    const inputs = new Map(message.inputs.map((ref, index) => [ref.id, blocks[index]]));
    if (open === undefined) throw new Error('a run has come before the worker was ready');
    const { program, call, state } = open;
    const letterRows = new WeakMap<DeadLetter, unknown>();
    const serving: Serving = {
      id,
      consumed: 0,
      busyMs: 0,
      droppedRows: [],
      toldAt: liveEnv.now(),
      run: new TaskRun(message, {
        env: liveEnv,
        store: {
          load(ref) {
            const input = inputs.get(ref.id);
            if (input === undefined) throw new Error(`block ${ref.lineage} was not sent`);
            inputs.delete(ref.id);
            return blockFromMessage(input);
          },
          put(block, lineage, producer) {
            sendBlock(serving, block, lineage);
            const { numRows, sizeBytes } = block;
            return { id: 0, lineage, producer, numRows, sizeBytes };
          },
          isShared: () => false,
          retain: () => undefined,
        },
        program: programOf(program, call, isLast),
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
    takeTurns();
  }

  function sendBlock(serving: Serving, block: Block<unknown>, lineage: string): void {
    checkMemory();
    // Looked for first: afterwards the block is the other side's.
    const buffers = block.kind === 'rows' ? movableBuffers(block.rows) : [];
    const { message, transfer } = block.toTransfer();
    const { id } = serving;
    const delta = takeDelta(serving);
    try {
      port.post({ type: 'output', id, lineage, block: message, delta }, [...transfer, ...buffers]);
    } catch (cause) {
      // It was not sent: what it would have told is still to be told.
      giveBack(serving, delta);
      throw new WorkerError(
        'message',
        `what was yielded cannot be sent from the worker (${describe(cause)}): rows must be data that structuredClone can copy, and a large buffer can be yielded once`,
        { cause },
      );
    }
  }

  /** Something has happened in a run. What is not urgent waits for its next message. */
  function note(serving: Serving, letterRows: WeakMap<DeadLetter, unknown>): void {
    const report = serving.run.takeReport();
    if (report === undefined) return;
    serving.consumed += report.consumed;
    serving.busyMs += report.busyMs;
    for (const letter of report.droppedRows) {
      const { cause, ...rest } = letter;
      const row = letterRows.get(letter);
      serving.droppedRows.push({ letter: rest, cause: packError(cause), row });
    }
    const isOver = report.type !== 'run.progress';
    const held = isOver ? undefined : report.held;
    if (!isOver && held === undefined && !isDue(serving, report.consumed)) return;
    const end = report.type === 'run.error' ? { error: packError(report.error) } : 'done';
    const { id } = serving;
    const { partial } = report;
    const delta = takeDelta(serving);
    const next = turns.find((turn) => !turn.serving.run.isOver)?.serving.id;
    post({
      type: 'report',
      id,
      next,
      isSpent: isOver && isSpent(),
      report: { ...delta, partial, held, end: isOver ? end : undefined },
    });
    if (isOver) servings.delete(id);
    if (active === serving && (isOver || held !== undefined)) active = undefined;
    if (servings.size === 0 && lifetime.signal.aborted) void close();
    takeTurns();
  }

  function isDue(serving: Serving, consumed: number): boolean {
    if (consumed === 0) return false;
    return open?.program.reportsInputs === true || liveEnv.now() - serving.toldAt >= TELL_MS;
  }

  function post(message: Extract<FromWorker, { type: 'report' }>): void {
    try {
      port.post(message, []);
    } catch {
      // Only a row can be the reason: it was changed into something that cannot be sent.
      const { report } = message;
      const droppedRows = report.droppedRows.map((dropped) => ({ ...dropped, row: undefined }));
      port.post({ ...message, report: { ...report, droppedRows } }, []);
    }
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
        void openProgram(message.program);
        break;
      case 'run':
        accept(message.id, message.run);
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

/** The operator as its runs in a worker see it: clocks and the judging of errors are for the other side. */
function programOf(
  { operator, format }: WorkerProgram,
  call: OpenTransform['call'],
  isLast: boolean,
): OperatorProgram {
  const { onRowError } = operator;
  return {
    ...operator,
    transform: { kind: 'blocks', call, format },
    timeoutMs: undefined,
    // Whether rows are given up hangs on it; and they are this thread's own, so none is frozen.
    retries: isLast || onRowError === 'fail' ? 0 : operator.retries,
    retryDelay: () => 0,
    givesInputsAway: false,
  };
}

function takeDelta(serving: Serving): WorkerDelta {
  const { consumed, busyMs, droppedRows } = serving;
  Object.assign(serving, { consumed: 0, busyMs: 0, droppedRows: [], toldAt: liveEnv.now() });
  return { consumed, busyMs, droppedRows };
}

function giveBack(serving: Serving, delta: WorkerDelta): void {
  Object.assign(serving, { ...delta, droppedRows: [...delta.droppedRows] });
}
