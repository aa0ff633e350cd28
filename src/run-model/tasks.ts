/** The tasks of an operator: from its events to bars of the timeline. */
import type { BlockRef } from '../../machines/block.ts';
import type { RunEvent } from '../../machines/run-event.ts';
import { trim } from './log.ts';
import { KEPT, type OperatorError, type OperatorModel, type Phase, type TaskBar } from './model.ts';

type EventOf<TType extends RunEvent['type']> = Extract<RunEvent, { type: TType }>;

/** Phases a bar lists; a task that alternates without end is shown by its newest ones. */
const MAX_PHASES = 64;

const PHASES: Readonly<Record<string, Phase['kind']>> = {
  starting: 'run',
  streaming: 'run',
  holding: 'hold',
  retrying: 'retry',
};

/** A new task, or a further attempt of one that is under way. */
export function startAttempt(operator: OperatorModel, event: EventOf<'task.started'>): void {
  const { task, slot, attempt, inputs, at } = event;
  const known = operator.running[slot];
  if (known?.task === task) {
    known.attempts = Math.max(known.attempts, attempt);
    addPhase(known, 'run', at);
    return;
  }
  while (operator.running.length < slot) operator.running.push(null);
  operator.running[slot] = {
    seq: -1,
    operator: operator.index,
    task,
    slot,
    queuedAt: operator.taken ?? at,
    startedAt: at,
    endedAt: undefined,
    outcome: undefined,
    attempts: attempt,
    phases: [{ at, kind: 'run' }],
    lineage: inputs[0]?.lineage ?? '',
    inputs: inputs.slice(0, KEPT.blocks).map(({ id }) => id),
    outputs: [],
    rowsIn: inputs.reduce((sum, { numRows }) => sum + numRows, 0),
    rowsOut: 0,
    error: undefined,
  };
}

/** What the state of a task actor says of the task. */
export function noteTaskState(
  operator: OperatorModel,
  id: string,
  state: string,
  at: number,
): void {
  const bar = operator.running[Number(id.slice('task'.length))];
  const kind = PHASES[state];
  if (bar && kind !== undefined) addPhase(bar, kind, at);
}

function addPhase(bar: TaskBar, kind: Phase['kind'], at: number): void {
  const last = bar.phases.at(-1);
  if (last?.kind === kind) return;
  // A phase that took no time is none.
  if (last?.at === at && bar.phases.length > 1) bar.phases.pop();
  if (bar.phases.at(-1)?.kind !== kind) bar.phases.push({ at, kind });
  trim(bar.phases, MAX_PHASES);
}

export function addOutput(operator: OperatorModel, task: number, block: BlockRef): void {
  const bar = operator.running.find((running) => running?.task === task);
  if (!bar) return;
  bar.rowsOut += block.numRows;
  if (bar.outputs.length < KEPT.blocks) bar.outputs.push(block.id);
}

/** Ends a task; returns its bar, unless it is not known. */
export function endTask(
  operator: OperatorModel,
  event: EventOf<'task.ended'>,
): TaskBar | undefined {
  const { seq, task, outcome, at, error } = event;
  const slot = operator.running.findIndex((running) => running?.task === task);
  const bar = operator.running[slot];
  if (!bar) return undefined;
  operator.running[slot] = null;
  bar.seq = seq;
  bar.endedAt = at;
  bar.outcome = outcome;
  bar.error = error ?? bar.error;
  if (outcome === 'done') {
    operator.durations.push(at - bar.startedAt);
    trim(operator.durations, KEPT.durations);
  }
  if (outcome === 'failed') {
    const { lineage, attempts } = bar;
    noteTrouble(operator, { at, kind: 'failed', lineage, attempt: attempts, error: error ?? '' });
  } else if (operator.troubled?.lineage === bar.lineage) {
    operator.troubled = undefined;
  }
  return bar;
}

/** An attempt failed, or an input was given up. */
export function noteTrouble(
  operator: OperatorModel,
  { at, kind, lineage, attempt, error }: OperatorError,
): void {
  operator.errors.push({ at, kind, lineage, attempt, error });
  trim(operator.errors, KEPT.errors);
  const bar = operator.running.find((running) => running?.lineage === lineage);
  if (bar) bar.error = error;
  const { troubled } = operator;
  if (kind === 'dropped') {
    if (troubled?.lineage === lineage) operator.troubled = undefined;
    return;
  }
  const isWorse = troubled === undefined || attempt >= troubled.attempts;
  if (!isWorse && troubled.lineage !== lineage) return;
  const since = troubled?.lineage === lineage ? troubled.since : at;
  operator.troubled = { lineage, attempts: attempt, error, since };
}

/** Brings the list of arrivals up to what waits now. */
export function takeArrivals(
  operator: OperatorModel,
  waiting: readonly number[],
  at: number,
): void {
  operator.taken = undefined;
  waiting.forEach((blocks, port) => {
    const arrivals = (operator.arrivals[port] ??= []);
    let known = arrivals.reduce((sum, arrival) => sum + arrival.blocks, 0);
    if (blocks > known) arrivals.push({ at, blocks: blocks - known });
    while (known > blocks) {
      const [oldest] = arrivals;
      if (oldest === undefined) break;
      operator.taken = Math.min(operator.taken ?? oldest.at, oldest.at);
      const gone = Math.min(oldest.blocks, known - blocks);
      oldest.blocks -= gone;
      known -= gone;
      if (oldest.blocks === 0) arrivals.shift();
    }
  });
}
