/**
 * A runner whose transforms run in simulated workers: every message takes its time, workers are lost,
 * and those that were told to end may go on for a while. What they still send is not to be seen.
 */
import { rowBlock, type Block } from '../../actors/block.ts';
import { createInlineRunner, type Runner, type RunnerTools } from '../../actors/inline-runner.ts';
import { createBlockSizer } from '../../actors/output-blocks.ts';
import { childLineage, NOBODY, type BlockRef } from '../../machines/block.ts';
import { TimeoutError } from '../../machines/errors.ts';
import type { DeadLetter, RunnerRun, RunReport } from '../../machines/hands.protocol.ts';
import type { Credit } from '../../machines/resource/ledger.ts';
import type { Address } from '../../machines/xstate.ts';
import { stageName } from './build.ts';
import type { SimulationCase } from './case.ts';
import { chance } from './random.ts';

/** A worker ended while it ran a task. */
export class WorkerLostError extends Error {
  override readonly name = 'WorkerLostError';
}

/** `onZombie` is told when something is sent that must not be seen. */
export function remoteRunner(
  simulated: SimulationCase,
  onZombie: () => void,
): (tools: RunnerTools) => Runner {
  return (tools) => {
    const inline = createInlineRunner(tools);
    const runs = new Map<Address<RunReport>, RemoteRun>();
    return {
      receive(event) {
        if (event.type === 'runner.run') {
          // What is asynchronous by itself runs inline: sources, sinks, everything stateful, flatMap.
          const program = tools.programs[event.operator];
          if (program?.transform.kind === 'blocks' && !program.name.startsWith('flatMap')) {
            runs.set(event.replyTo, startRun(event, tools, simulated, onZombie));
            return;
          }
          runs.delete(event.replyTo);
        }
        const run = 'run' in event ? runs.get(event.replyTo) : undefined;
        if (run === undefined || !('run' in event)) inline.receive(event);
        else if (run.number === event.run && event.type === 'runner.credit')
          run.credit(event.credit);
        else if (run.number === event.run && event.type === 'runner.cancel') run.cancel();
      },
      remake: inline.remake,
      abandon: inline.abandon,
      dispose(reason) {
        for (const run of runs.values()) run.kill();
        inline.dispose(reason);
      },
    };
  };
}

interface RemoteRun {
  readonly number: number;
  readonly credit: (credit: Credit) => void;
  readonly cancel: () => void;
  readonly kill: () => void;
}

/** One run in one simulated worker. */
function startRun(
  message: RunnerRun,
  tools: RunnerTools,
  simulated: SimulationCase,
  onZombie: () => void,
): RemoteRun {
  const { env, store } = tools;
  const { inputs, operator, run: number, replyTo } = message;
  const program = tools.programs[operator];
  if (program?.transform.kind !== 'blocks') throw new Error('only transforms run remotely');
  const { transform } = program;
  const stage = simulated.stages.find((each, index) => stageName(each, index) === program.name);
  const delay = Math.max(1, stage?.delay ?? 1);

  let index = 0;
  let attempt = message.attempt;
  let skip = message.skip;
  let yielded = 0;
  let { credit } = message;
  let iterator: Iterator<readonly unknown[]> | undefined;
  let pending: Block<unknown>[] = [];
  let rowLetters: { letter: DeadLetter; row: unknown }[] = [];
  let sizer = createBlockSizer(program.output, program.targetBytes);
  let kept: Block<unknown>[] = [];
  let over = false;
  let cancelled = false;
  /** Its block is on its way from disk. */
  let fetching = false;
  let held: Credit | undefined;
  let stopTimer = (): void => undefined;

  const luck = (what: string): number =>
    chance(what, simulated.seed, program.name, inputs[index]?.lineage ?? '', attempt, yielded);
  /** Both ways, a message takes its time. */
  const later = (work: () => void): void => {
    env.setTimer(luck('latency') * delay, work);
  };

  function report(outputs: BlockRef[], consumed: number): void {
    if (over) return;
    const delta = { run: number, now: env.now(), outputs, consumed, partial: yielded, busyMs: 1 };
    replyTo.send({ type: 'run.progress', ...delta, droppedRows: takeLetters(consumed), held });
  }

  function takeLetters(consumed: number): DeadLetter[] {
    if (consumed === 0) return [];
    const taken = rowLetters;
    rowLetters = [];
    if (program?.onRowError === 'deadLetter') {
      for (const { letter, row } of taken) tools.onDeadRow(letter, row);
    }
    return taken.map(({ letter }) => letter);
  }

  function end(outcome: { error: unknown } | undefined): void {
    if (over) return;
    over = true;
    stopTimer();
    const common = { run: number, now: env.now(), outputs: [], consumed: 0, partial: yielded };
    const delta = { ...common, busyMs: 1, droppedRows: [] };
    if (outcome === undefined || cancelled) {
      replyTo.send({ type: 'run.end', ...delta, satisfied: false, wants: undefined });
      return;
    }
    const { error } = outcome;
    const retryAfter = program?.retryDelay(error, attempt);
    replyTo.send({ type: 'run.error', ...delta, error, retryAfter });
    if (luck('zombie') < 0.3) later(haunt);
  }

  /** Yields after its end, as a worker does that was not reached in time. */
  function haunt(): void {
    if (replyTo.getSnapshot().status !== 'active') return;
    onZombie();
    const ref = store.put(rowBlock([0]), 'zombie', NOBODY);
    const delta = {
      run: number,
      now: env.now(),
      outputs: [ref],
      consumed: 1,
      partial: 1,
      busyMs: 1,
    };
    replyTo.send({ type: 'run.progress', ...delta, droppedRows: [], held: undefined });
  }

  function step(): void {
    if (over) return;
    if (cancelled) {
      end(undefined);
      return;
    }
    const input = inputs[index];
    if (input === undefined) {
      end(undefined);
      return;
    }
    try {
      advance(input);
    } catch (error) {
      end({ error });
    }
  }

  function advance(input: BlockRef): void {
    if (pending.length > 0) {
      publish();
      return;
    }
    if (iterator === undefined) {
      begin(input);
      if (!fetching) later(step);
      return;
    }
    // All outputs of an atomic block have come over before the first is published.
    const isSafe = program?.atomic === true && yielded > skip;
    if (luck('lost') < (stage?.faults.lost ?? 0) && attempt === 1 && !isSafe) {
      later(() => {
        end({ error: new WorkerLostError('the worker is gone') });
      });
      return;
    }
    const next = iterator.next();
    if (next.done === true) {
      pending = [...kept, ...sizer.flush()].filter(({ numRows }) => numRows > 0);
      kept = [];
      if (program?.atomic === true) stopTimer();
      if (pending.length > 0) publish();
      else finishInput();
      return;
    }
    const blocks = sizer.add(next.value).filter(({ numRows }) => numRows > 0);
    if (program?.atomic === true) kept.push(...blocks);
    else pending = [...blocks];
    if (pending.length > 0) publish();
    else later(step);
  }

  function begin(input: BlockRef): void {
    const hangs = stage?.faults.hangs ?? 0;
    if (program?.timeoutMs !== undefined) {
      const { timeoutMs } = program;
      stopTimer = env.setTimer(timeoutMs, () => {
        end({ error: new TimeoutError(timeoutMs) });
      });
    }
    if (attempt === 1 && luck('hangs') < hangs) {
      iterator = { next: () => ({ done: false, value: [] }) };
      return;
    }
    const loaded = store.load(input);
    if (loaded instanceof Promise) {
      fetching = true;
      loaded.then(
        (block) => {
          fetching = false;
          if (over) return;
          try {
            call(input, block);
          } catch (error) {
            end({ error });
          }
          later(step);
        },
        (error: unknown) => {
          fetching = false;
          end({ error });
        },
      );
    } else call(input, loaded);
  }

  function call(input: BlockRef, { rows }: Block<unknown>): void {
    const context = {
      signal: new AbortController().signal,
      attempt,
      lineage: input.lineage,
      operator: program?.name ?? '',
      log: () => undefined,
      progress: () => undefined,
    };
    const result = transform.call(rows as never, context, {
      mayGiveUp: () => program?.onRowError !== 'fail',
      handle: (error, row, at) => {
        const policy = program?.onRowError ?? 'fail';
        if (policy === 'fail' || attempt <= (program?.retries ?? 0)) throw error;
        const place = { operator: context.operator, lineage: input.lineage, input, published: 0 };
        rowLetters.push({ letter: { ...place, row: at, attempts: attempt, cause: error }, row });
      },
    });
    iterator = (Array.isArray(result) ? [result] : (result as Iterable<readonly unknown[]>))[
      Symbol.iterator
    ]();
  }

  function publish(): void {
    const outputs: BlockRef[] = [];
    held = undefined;
    while (pending.length > 0) {
      const [block] = pending;
      if (block === undefined) break;
      if (yielded < skip) {
        yielded += 1;
        pending.shift();
        continue;
      }
      const blocks = Math.max(0, 1 - credit.blocks);
      const bytes = block.sizeBytes - credit.bytes;
      if (blocks > 0 || bytes > 0) {
        held = { blocks, bytes };
        break;
      }
      pending.shift();
      const lineage = childLineage(inputs[index]?.lineage ?? '', yielded);
      outputs.push(store.put(block, lineage, operator));
      credit = { blocks: credit.blocks - 1, bytes: credit.bytes - block.sizeBytes };
      yielded += 1;
    }
    report(outputs, 0);
    if (held === undefined) later(step);
    else stopTimer();
  }

  function finishInput(): void {
    stopTimer();
    index += 1;
    yielded = 0;
    skip = 0;
    attempt = 1;
    iterator = undefined;
    sizer = createBlockSizer(program?.output ?? {}, program?.targetBytes ?? 1);
    held = undefined;
    report([], 1);
    later(step);
  }

  later(step);
  return {
    number,
    credit(more) {
      credit = { blocks: credit.blocks + more.blocks, bytes: credit.bytes + more.bytes };
      if (held === undefined) return;
      held = undefined;
      later(step);
    },
    cancel() {
      later(() => {
        cancelled = true;
        held = undefined;
        step();
      });
    },
    kill() {
      over = true;
      stopTimer();
    },
  };
}
