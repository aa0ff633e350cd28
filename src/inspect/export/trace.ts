/**
 * A run as Chrome trace events, for Perfetto and chrome://tracing. An operator is a process, a place in
 * its pool of task actors is a thread: the slices of one thread never overlap, as the format wants it.
 * Threads are numbered through, because Perfetto names them by their number alone. It also binds an arrow
 * to the slice that was begun last on its thread: so events are in the order of their times, those of one
 * time in the order in which they are meant.
 */
import type { RunEvent } from '../../../machines/run-event.ts';
import { applyRunEvent, emptyModel } from '../../run-model/index.ts';
import type { RunModel, TaskBar } from '../../run-model/model.ts';

/** One event of the format: `ts` and `dur` are whole microseconds. */
export interface TraceEvent {
  readonly ph: 'M' | 'X' | 'B' | 'E' | 'b' | 'e' | 's' | 'f' | 'C';
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

/** Of one time and task: what is inside of it ends, it begins, arrows leave and arrive, more begins. */
const ORDER: readonly TraceEvent['ph'][] = ['E', 'X', 's', 'f', 'B', 'b', 'e', 'C', 'M'];

/** An event, and the task it is about. */
interface Entry {
  readonly event: TraceEvent;
  readonly bar?: TaskBar;
}

/** Where a task is shown. */
interface Place {
  readonly pid: number;
  readonly tid: number;
}

export function chromeTrace(events: readonly RunEvent[]): ChromeTrace {
  const model = emptyModel();
  const entries: Entry[] = [];
  const places = createPlaces();
  const flows = createFlows(entries, places.of);
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
      if (bar.queuedAt < bar.startedAt) addWait(entries, bar, places.of(bar), waits++);
      for (const { id } of event.inputs) flows.arrive(id, bar);
    } else if (event.type === 'block.produced') {
      const bar = findRunning(model, event.operator, event.task);
      if (bar !== undefined) flows.leave(event.block.id, bar, event.at);
    }
    if (ended !== undefined) addTask(entries, ended, places.of(ended), event.at);
  }
  for (const { running } of model.operators) {
    for (const bar of running) if (bar !== null) addTask(entries, bar, places.of(bar), model.at);
  }
  addCounters(entries, model);
  const traceEvents = entries.sort(inOrder).map(({ event }) => event);
  return {
    displayTimeUnit: 'ms',
    traceEvents: [...processNames(model), ...places.names(), ...traceEvents],
  };
}

function findRunning(model: RunModel, operator: string, task: number): TaskBar | undefined {
  const found = model.operators.find(({ name }) => name === operator);
  return found?.running.find((bar) => bar?.task === task) ?? undefined;
}

function addTask(into: Entry[], bar: TaskBar, place: Place, until: number): void {
  const end = bar.endedAt ?? until;
  const event: TraceEvent = {
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
  };
  into.push({ bar, event });
  bar.phases.forEach(({ at, kind }, index) => {
    if (kind === 'run') return;
    const next = bar.phases[index + 1]?.at ?? end;
    if (micro(next) <= micro(at)) return;
    const name = kind === 'hold' ? 'waits for output credit' : 'waits for another attempt';
    // As a pair: a slice with a duration would still be the last one begun when it is over.
    const phase = { ...place, name, cat: kind };
    into.push({ bar, event: { ph: 'B', ...phase, ts: micro(at) } });
    into.push({ bar, event: { ph: 'E', ...phase, ts: micro(next) } });
  });
}

/** Waits of several tasks overlap: they are no slices of a thread. */
function addWait(into: Entry[], bar: TaskBar, place: Place, id: number): void {
  const common = { ...place, name: 'waits in queue', cat: 'queue', id };
  const args = { task: bar.task };
  into.push({ bar, event: { ph: 'b', ...common, ts: micro(bar.queuedAt), args } });
  into.push({ bar, event: { ph: 'e', ...common, ts: micro(bar.startedAt) } });
}

/** Arrows from the task that made a block to the task that takes it. */
function createFlows(
  into: Entry[],
  placeOf: (bar: TaskBar) => Place,
): {
  readonly leave: (block: number, bar: TaskBar, at: number) => void;
  readonly arrive: (block: number, bar: TaskBar) => void;
} {
  const made = new Map<number, Entry>();
  return {
    leave(block, bar, at) {
      const common = { name: 'block', cat: 'block', id: block };
      made.set(block, { bar, event: { ph: 's', ...placeOf(bar), ...common, ts: micro(at) } });
    },
    arrive(block, bar) {
      const start = made.get(block);
      if (start === undefined) return;
      // A block that goes to several branches is taken several times: an arrow has one end.
      made.delete(block);
      const common = { name: 'block', cat: 'block', id: block };
      const ts = micro(bar.startedAt);
      into.push(start, { bar, event: { ph: 'f', bp: 'e', ...placeOf(bar), ...common, ts } });
    },
  };
}

function addCounters(into: Entry[], model: RunModel): void {
  const { metrics } = model.history;
  const count = (pid: number, name: string, at: number, args: Record<string, number>): void => {
    into.push({ event: { ph: 'C', pid, tid: 0, name, ts: micro(at), args } });
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

/** At one time, what began before comes first, then what is nearer to the source: arrows lead onwards. */
function inOrder(one: Entry, other: Entry): number {
  const [a, b] = [one.bar, other.bar];
  return (
    (one.event.ts ?? 0) - (other.event.ts ?? 0) ||
    beginOf(a) - beginOf(b) ||
    (a?.operator ?? 0) - (b?.operator ?? 0) ||
    (a?.task ?? 0) - (b?.task ?? 0) ||
    ORDER.indexOf(one.event.ph) - ORDER.indexOf(other.event.ph)
  );
}

/** Counters are about no task: they come last. */
function beginOf(bar: TaskBar | undefined): number {
  return bar === undefined ? Number.MAX_SAFE_INTEGER : micro(bar.startedAt);
}

function metadata(place: Place, name: string, args: object): TraceEvent {
  return { ph: 'M', ...place, name, args: { ...args } };
}

function processNames(model: RunModel): readonly TraceEvent[] {
  const run = { pid: RUN_PID, tid: 0 };
  return [
    metadata(run, 'process_name', { name: `run of ${model.plan.name}` }),
    ...model.operators.flatMap(({ index, name }) => {
      const place = { pid: pidOf(index), tid: 0 };
      return [
        metadata(place, 'process_name', { name }),
        metadata(place, 'process_sort_index', { sort_index: place.pid }),
      ];
    }),
  ];
}

/** Threads get their numbers as they are first used. */
function createPlaces(): {
  readonly of: (bar: TaskBar) => Place;
  /** The names of all threads so far. */
  readonly names: () => readonly TraceEvent[];
} {
  const places = new Map<string, Place>();
  const names: TraceEvent[] = [];
  return {
    of({ operator, slot }) {
      const key = `${String(operator)} ${String(slot)}`;
      const known = places.get(key);
      if (known !== undefined) return known;
      const place = { pid: pidOf(operator), tid: places.size + 1 };
      places.set(key, place);
      names.push(metadata(place, 'thread_name', { name: `slot ${String(slot)}` }));
      return place;
    },
    names: () => names,
  };
}

function pidOf(operator: number): number {
  return RUN_PID + 1 + operator;
}

function micro(milliseconds: number): number {
  return Math.round(milliseconds * 1000);
}
