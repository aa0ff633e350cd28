/**
 * The runner: runs transforms in this thread, except for those that bring a host of their own, worker
 * threads for instance. It collects what its runs have to say and sends one report for each at the end
 * of a macrotask, so that a message carries all that is ready.
 */
import { NOBODY, type BlockRef } from '../machines/block.ts';
import type {
  DeadLetter,
  RunnerClosed,
  RunnerEvent,
  RunnerOpened,
  RunnerRun,
  RunReport,
} from '../machines/hands.protocol.ts';
import type { Address } from '../machines/xstate.ts';
import { rowBlock } from './block.ts';
import type { BlockStore } from './block-store.types.ts';
import type { Env } from './env.ts';
import type { Remake } from './origin.ts';
import { createRemaker } from './remaker.ts';
import type { Running } from './running.ts';
import { TaskRun } from './task-run.ts';
import type { OperatorProgram, StatefulProgram, TaskHost, TaskPlace } from './transform.ts';

export interface RunnerTools {
  readonly env: Env;
  readonly store: BlockStore;
  readonly programs: readonly OperatorProgram[];
  readonly onLog: (place: TaskPlace, values: readonly unknown[]) => void;
  readonly onProgress: (place: TaskPlace, fraction: number) => void;
  /** A row that was given up and is to be handed out. */
  readonly onDeadRow: (letter: DeadLetter, row: unknown) => void;
}

type Outcome = 'done' | 'failed' | 'cancelled';

export interface Runner {
  /** What the runner actor is told. */
  readonly receive: (event: RunnerEvent) => void;
  /** Makes a block again that was lost where it was spilled to. */
  readonly remake: Remake;
  /** Ends what is being made again, and all that would be. Resolves when nothing of it is left. */
  readonly abandon: (reason: unknown) => Promise<void>;
  /** The run's actors are gone: what still runs is cancelled, and reports no more. */
  readonly dispose: (reason: unknown) => void;
}

/** The instance of a stateful transform, and when it is open. */
interface OpenedProgram {
  readonly instance: StatefulProgram & { outputs: number };
  readonly opened: Promise<void>;
}

/** Where a task actor's run is, while it has one: kept for as long as the actor, which runs many. */
interface Desk {
  run: Running | undefined;
}

interface Reporting {
  run: Running | undefined;
  readonly desk: Desk;
  readonly replyTo: Address<RunReport>;
  isListed: boolean;
}

export function createInlineRunner(tools: RunnerTools): Runner {
  const { env, store, programs } = tools;
  /** What each task actor has under way. */
  const desks = new Map<Address<RunReport>, Desk>();
  const stateful = new Map<number, OpenedProgram>();
  const opening = new AbortController();
  const cancelling = new AbortController();
  const starting: Running[] = [];
  /** Runs that have something to report. */
  let news: Reporting[] = [];
  const hosts = new Map<number, TaskHost>();
  const makeAgain = createRemaker({ ...tools, hosts, cancelled: cancelling.signal });
  /** The end of the last that was to be made again: they are made one after the other. */
  let remaking = Promise.resolve();
  let awake = false;
  let closing = false;
  let closed = false;
  let disposed = false;

  /** One macrotask for all that was asked and all that has happened since the last one. */
  function wake(): void {
    if (awake) return;
    awake = true;
    env.defer(() => {
      awake = false;
      for (const run of starting.splice(0)) run.start();
      const reporting = news;
      news = [];
      reporting.forEach(report);
    });
  }

  function report(reporting: Reporting): void {
    reporting.isListed = false;
    if (disposed) return;
    const { run, desk, replyTo } = reporting;
    const event = run?.takeReport();
    if (event === undefined) return;
    if (event.type !== 'run.progress' && desk.run === run) desk.run = undefined;
    replyTo.send(event);
  }

  function find(replyTo: Address<RunReport>, number: number): Running | undefined {
    const run = desks.get(replyTo)?.run;
    return run?.number === number ? run : undefined;
  }

  function deskOf(replyTo: Address<RunReport>): Desk {
    let desk = desks.get(replyTo);
    if (desk === undefined) {
      desk = { run: undefined };
      desks.set(replyTo, desk);
    }
    return desk;
  }

  async function open(replyTo: Address<RunnerOpened>): Promise<void> {
    const splits = new Map<number, readonly BlockRef[]>();
    const letGo = (): void => {
      for (const refs of splits.values()) refs.forEach(store.release);
    };
    const hostsOpened = openHosts();
    for (const program of programs) {
      const { transform, index: operator } = program;
      try {
        if (transform.kind === 'source') {
          const listed = await transform.splits(opening.signal);
          splits.set(operator, keepSplits(program, listed));
        } else if (transform.kind === 'stateful') {
          const instance = Object.assign(transform.create(storeTools), { outputs: 0 });
          const opened = (async () => instance.open?.(opening.signal))();
          stateful.set(operator, { instance, opened });
          await opened;
        } else if (transform.kind === 'remote') {
          await hostsOpened.get(operator);
        }
      } catch (error) {
        letGo();
        if (opening.signal.aborted) return;
        replyTo.send({ type: 'runner.refused', now: env.now(), operator, error });
        return;
      }
      // Cancelled meanwhile: the run may be gone, and nobody waits for an answer.
      if (opening.signal.aborted) {
        letGo();
        return;
      }
    }
    replyTo.send({ type: 'runner.opened', now: env.now(), splits });
  }

  /** Hosts take their time to open: all of them do it at once. */
  function openHosts(): ReadonlyMap<number, Promise<void>> {
    const opened = new Map<number, Promise<void>>();
    for (const program of programs) {
      if (program.transform.kind !== 'remote') continue;
      const host = program.transform.createHost(program, tools);
      hosts.set(program.index, host);
      const opening = host.open();
      // Whoever opens the run hears of it; one that is not waited for must not be unhandled.
      opening.catch(() => undefined);
      opened.set(program.index, opening);
    }
    return opened;
  }

  /** Splits wait in their source's input queue, as blocks of one row that nobody is charged for. */
  function keepSplits(program: OperatorProgram, splits: readonly unknown[]): readonly BlockRef[] {
    const sources = programs.filter(({ transform }) => transform.kind === 'source');
    const source = String(sources.indexOf(program));
    return splits.map((split, part) => {
      const lineage = splits.length === 1 ? source : `${source}.${String(part)}`;
      return store.put(rowBlock([split], 0), lineage, NOBODY, 'split');
    });
  }

  const storeTools = {
    retain: (ref: BlockRef): void => {
      store.extend(ref);
      // Whoever holds on to it has it in memory, and goes on using it.
      void store.load(ref);
    },
    release: (ref: BlockRef): void => {
      store.release(ref);
    },
  };

  async function close(outcome: Outcome, reason: unknown): Promise<RunnerClosed['failures']> {
    opening.abort(reason);
    // Of a run that was done its consumer may still take blocks, also when its actors are gone.
    if (outcome === 'cancelled' && !closing) cancelling.abort(reason);
    closing = true;
    const failures: { operator: number; error: unknown }[] = [];
    for (const [operator, { instance, opened }] of stateful) {
      stateful.delete(operator);
      try {
        // What is still opening cannot be closed; whether it failed has been said elsewhere.
        await opened.catch(() => undefined);
        await instance.close?.(outcome, reason);
      } catch (error) {
        failures.push({ operator, error });
      }
    }
    await Promise.all([...hosts.values()].map((host) => host.close()));
    closed = true;
    return failures;
  }

  function abandon(reason: unknown): Promise<void> {
    cancelling.abort(reason);
    return remaking;
  }

  function run(event: RunnerRun): void {
    const program = programs[event.operator];
    if (program === undefined) throw new Error(`no operator ${String(event.operator)}`);
    const { replyTo } = event;
    const desk = deskOf(replyTo);
    const reporting: Reporting = { run: undefined, desk, replyTo, isListed: false };
    const onNews = (): void => {
      if (!reporting.isListed) news.push(reporting);
      reporting.isListed = true;
      wake();
    };
    const { onLog, onProgress, onDeadRow } = tools;
    const host = hosts.get(event.operator);
    const instance = stateful.get(event.operator)?.instance;
    const runTools = {
      env,
      store,
      program,
      stateful: instance,
      onNews,
      onLog,
      onProgress,
      onDeadRow,
    };
    const started: Running = host?.run(event, runTools) ?? new TaskRun(event, runTools);
    reporting.run = started;
    desk.run = started;
    starting.push(started);
    wake();
  }

  return {
    receive(event) {
      switch (event.type) {
        case 'runner.open':
          void open(event.replyTo);
          break;
        case 'runner.run':
          run(event);
          break;
        case 'runner.credit':
          find(event.replyTo, event.run)?.addCredit(event.credit);
          break;
        case 'runner.finish':
          find(event.replyTo, event.run)?.finish();
          break;
        case 'runner.cancel':
          find(event.replyTo, event.run)?.cancel(event.reason);
          break;
        case 'runner.close':
          void close(event.outcome, event.reason).then((failures) => {
            const answer: RunnerClosed = { type: 'runner.closed', now: env.now(), failures };
            if (!disposed) event.replyTo.send(answer);
          });
          break;
        case 'runner.abandon':
          void abandon(event.reason);
          break;
      }
    },
    remake(step, signal) {
      const made = makeAgain(step, signal);
      const end = (): void => undefined;
      remaking = made.then(end, end);
      return made;
    },
    abandon,
    dispose(reason) {
      if (disposed) return;
      disposed = true;
      // Stopped while it closed: nobody is there any more who could end it.
      if (!closed) cancelling.abort(reason);
      for (const { run: running } of desks.values()) running?.cancel(reason);
      void close('cancelled', reason);
    },
  };
}
