/**
 * A run as Chrome trace events, for Perfetto and chrome://tracing. An operator is a process, a place in
 * its pool of task actors is a thread: the slices of one thread never overlap, as the format wants it.
 */
import type { RunEvent } from '../../../machines/run-event.ts';
import { applyRunEvent, emptyModel } from '../../run-model/index.ts';
import type { RunModel, TaskBar } from '../../run-model/model.ts';

/** One event of the format: `ts` and `dur` are whole microseconds. */
export interface TraceEvent {
  readonly ph: 'M' | 'X' | 'b' | 'e' | 's' | 'f' | 'C';
  readonly pid: number;
  readonly tid: number;
  readonly name: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly id?: number;
  readonly bp?: 'e';
  readonly args?: Readonly<Record<string, unknown>>;
}

export interface ChromeTrace {
  readonly displayTimeUnit: 'ms';
  readonly traceEvents: readonly TraceEvent[];
}

/** The process of what concerns the whole run; operators follow. */
const RUN_PID = 1;

export function chromeTrace(events: readonly RunEvent[]): ChromeTrace {
  const model = emptyModel();
  const traceEvents: TraceEvent[] = [];
  const flows = createFlows(traceEvents);
  const begun = new WeakSet<TaskBar>();
  let waits = 0;

  for (const event of events) {
    const ended =
      event.type === 'task.ended' ? findRunning(model, event.operator, event.task) : undefined;
    applyRunEvent(model, event);
    if (event.type === 'task.started') {
      const bar = findRunning(model, event.operator, event.task);
      // A further attempt goes on with what the task has taken already.
      if (bar === undefined || begun.has(bar)) continue;
      begun.add(bar);
      if (bar.queuedAt < bar.startedAt) addWait(traceEvents, bar, waits++);
      for (const { id } of event.inputs) flows.arrive(id, bar);
    } else if (event.type === 'block.produced') {
      const bar = findRunning(model, event.operator, event.task);
      if (bar !== undefined) flows.leave(event.block.id, bar, event.at);
    }
    if (ended !== undefined) addTask(traceEvents, ended, event.at);
  }
  for (const { running } of model.operators) {
    for (const bar of running) if (bar !== null) addTask(traceEvents, bar, model.at);
  }
  addCounters(traceEvents, model);
  return { displayTimeUnit: 'ms', traceEvents: [...namesOf(model, traceEvents), ...traceEvents] };
}

function findRunning(model: RunModel, operator: string, task: number): TaskBar | undefined {
  const found = model.operators.find(({ name }) => name === operator);
  return found?.running.find((bar) => bar?.task === task) ?? undefined;
}

function addTask(into: TraceEvent[], bar: TaskBar, until: number): void {
  const place = placeOf(bar);
  const end = bar.endedAt ?? until;
  into.push({
    ph: 'X',
    ...place,
    name: `task ${String(bar.task)}`,
    cat: 'task',
    ts: micro(bar.startedAt),
    dur: micro(end) - micro(bar.startedAt),
    args: {
      block: bar.lineage,
      outcome: bar.outcome ?? 'under way',
      attempts: bar.attempts,
      rowsIn: bar.rowsIn,
      rowsOut: bar.rowsOut,
      ...(bar.error === undefined ? {} : { error: bar.error }),
    },
  });
  bar.phases.forEach(({ at, kind }, index) => {
    if (kind === 'run') return;
    const next = bar.phases[index + 1]?.at ?? end;
    into.push({
      ph: 'X',
      ...place,
      name: kind === 'hold' ? 'waits for output credit' : 'waits for another attempt',
      cat: kind,
      ts: micro(at),
      dur: micro(next) - micro(at),
    });
  });
}

/** Waits of several tasks overlap: they are no slices of a thread. */
function addWait(into: TraceEvent[], bar: TaskBar, id: number): void {
  const common = { ...placeOf(bar), name: 'waits in queue', cat: 'queue', id };
  into.push(
    { ph: 'b', ...common, ts: micro(bar.queuedAt), args: { task: bar.task } },
    { ph: 'e', ...common, ts: micro(bar.startedAt) },
  );
}

/** Arrows from the task that made a block to the task that takes it. */
function createFlows(into: TraceEvent[]): {
  readonly leave: (block: number, bar: TaskBar, at: number) => void;
  readonly arrive: (block: number, bar: TaskBar) => void;
} {
  const made = new Map<number, TraceEvent>();
  return {
    leave(block, bar, at) {
      const ts = micro(at);
      made.set(block, { ph: 's', ...placeOf(bar), name: 'block', cat: 'block', id: block, ts });
    },
    arrive(block, bar) {
      const start = made.get(block);
      if (start === undefined) return;
      // A block that goes to several branches is taken several times: an arrow has one end.
      made.delete(block);
      const common = { name: 'block', cat: 'block', id: block };
      into.push(start, { ph: 'f', bp: 'e', ...placeOf(bar), ...common, ts: micro(bar.startedAt) });
    },
  };
}

function addCounters(into: TraceEvent[], model: RunModel): void {
  const { metrics } = model.history;
  const count = (pid: number, name: string, at: number, args: Record<string, number>): void => {
    into.push({ ph: 'C', pid, tid: 0, name, ts: micro(at), args });
  };
  metrics.at.forEach((at, index) => {
    count(RUN_PID, 'live bytes', at, { bytes: metrics.liveBytes[index] ?? 0 });
    for (const { name, used } of metrics.resources) {
      count(RUN_PID, `${name} in use`, at, { used: used[index] ?? 0 });
    }
    metrics.operators.forEach((columns, operator) => {
      count(pidOf(operator), 'queued blocks', at, { blocks: columns.queued[index] ?? 0 });
      count(pidOf(operator), 'tasks', at, { active: columns.active[index] ?? 0 });
    });
  });
}

function namesOf(model: RunModel, events: readonly TraceEvent[]): readonly TraceEvent[] {
  const name = (pid: number, tid: number, what: string, args: object): TraceEvent => ({
    ph: 'M',
    pid,
    tid,
    name: what,
    args: { ...args },
  });
  const threads = new Map<string, TraceEvent>();
  for (const { ph, pid, tid } of events) {
    if (ph !== 'X') continue;
    const key = `${String(pid)} ${String(tid)}`;
    threads.set(key, name(pid, tid, 'thread_name', { name: `slot ${String(tid - 1)}` }));
  }
  return [
    name(RUN_PID, 0, 'process_name', { name: `run of ${model.plan.name}` }),
    ...model.operators.flatMap(({ index, name: operator }) => [
      name(pidOf(index), 0, 'process_name', { name: operator }),
      name(pidOf(index), 0, 'process_sort_index', { sort_index: pidOf(index) }),
    ]),
    ...threads.values(),
  ];
}

function placeOf({ operator, slot }: TaskBar): { readonly pid: number; readonly tid: number } {
  return { pid: pidOf(operator), tid: slot + 1 };
}

function pidOf(operator: number): number {
  return RUN_PID + 1 + operator;
}

function micro(milliseconds: number): number {
  return Math.round(milliseconds * 1000);
}
