/**
 * Reads Chrome trace events as Perfetto's importer does, and says what it would not like or would show
 * otherwise than it was meant. It takes events in the order of their times, those of one time in the order
 * of the file; it keeps a stack of slices for each thread, and binds the two ends of an arrow to whatever
 * slice is on top of the stack at that point, whether that is over or not. Threads have names by their
 * number alone.
 */
interface Event {
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly name: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly id?: unknown;
  readonly cat?: unknown;
  readonly bp?: unknown;
  readonly args?: Readonly<Record<string, unknown>>;
}

export interface Slice {
  readonly pid: number;
  readonly tid: number;
  readonly name: string;
  readonly ts: number;
  end: number;
  readonly depth: number;
  /** The slice it is inside of. */
  readonly around: Slice | undefined;
}

export interface ParsedTrace {
  readonly problems: readonly string[];
  /** Names of processes by pid, and of threads by tid. */
  readonly processes: ReadonlyMap<number, string>;
  readonly threads: ReadonlyMap<number, string>;
  readonly slices: readonly Slice[];
  /** Arrows, by the slices they lead from and to. */
  readonly flows: readonly { readonly id: unknown; readonly from: Slice; readonly to: Slice }[];
  readonly waits: number;
  readonly counters: ReadonlySet<string>;
}

const KINDS = ['M', 'X', 'B', 'E', 'b', 'e', 's', 'f', 'C'];

export function parseTrace(text: string): ParsedTrace {
  const { traceEvents } = JSON.parse(text) as { traceEvents: readonly Event[] };
  const problems = traceEvents.flatMap(shapeProblems);
  const processes = new Map<number, string>();
  const threads = new Map<number, string>();
  const owners = new Map<number, number>();
  const stacks = new Map<number, Slice[]>();
  const slices: Slice[] = [];
  const starts = new Map<unknown, Slice>();
  const flows: { id: unknown; from: Slice; to: Slice }[] = [];
  const open = new Set<string>();
  const counters = new Set<string>();
  let waits = 0;

  function stackOf({ pid, tid }: Event): Slice[] {
    if ((owners.get(tid) ?? pid) !== pid)
      problems.push(`thread ${String(tid)} is in two processes`);
    owners.set(tid, pid);
    const stack = stacks.get(tid) ?? [];
    stacks.set(tid, stack);
    return stack;
  }

  function push({ pid, tid, name, ts = 0, dur }: Event, stack: Slice[]): void {
    while ((stack.at(-1)?.end ?? Infinity) <= ts) stack.pop();
    const end = dur === undefined ? Infinity : ts + dur;
    const around = stack.at(-1);
    if (around !== undefined && dur !== undefined && end > around.end) {
      problems.push(`${name} of ${String(pid)} ${String(tid)} overlaps ${around.name}`);
    }
    const slice = { pid, tid, name, ts, end, depth: stack.length, around };
    slices.push(slice);
    stack.push(slice);
  }

  function bind(event: Event): Slice | undefined {
    const { ph, id, ts = 0 } = event;
    const slice = stackOf(event).at(-1);
    const what = `${ph}: ${String(id)}`;
    if (slice === undefined) problems.push(`${what} is in no slice`);
    else if (slice.end < ts) problems.push(`${what} is bound to ${slice.name}, which is over`);
    return slice;
  }

  const inOrder = traceEvents
    .map((event, index) => ({ event, index }))
    .sort((a, b) => (a.event.ts ?? 0) - (b.event.ts ?? 0) || a.index - b.index);
  for (const { event } of inOrder) {
    const { ph, pid, tid, name, ts = 0, id } = event;
    const asyncKey = `${String(event.cat)} ${String(id)} ${name}`;
    switch (ph) {
      case 'M':
        if (name === 'process_name') processes.set(pid, String(event.args?.['name']));
        if (name === 'thread_name') threads.set(tid, String(event.args?.['name']));
        break;
      case 'X':
      case 'B':
        push(event, stackOf(event));
        break;
      case 'E': {
        const stack = stackOf(event);
        const begun = stack.at(-1);
        if (begun?.end !== Infinity || begun.name !== name) {
          problems.push(`E: ${name} is not what is open`);
        } else {
          begun.end = ts;
          stack.pop();
        }
        break;
      }
      case 'b':
        if (open.has(asyncKey)) problems.push(`b: ${asyncKey} is open`);
        open.add(asyncKey);
        waits += 1;
        break;
      case 'e':
        if (!open.delete(asyncKey)) problems.push(`e: ${asyncKey} has not begun`);
        break;
      case 's': {
        if (starts.has(id)) problems.push(`s: ${String(id)} twice`);
        const from = bind(event);
        if (from !== undefined) starts.set(id, from);
        break;
      }
      case 'f': {
        if (event.bp !== 'e') problems.push(`f: ${String(id)} is not bound to what is around it`);
        const from = starts.get(id);
        const to = bind(event);
        if (from === undefined) problems.push(`f: ${String(id)} has no start`);
        else if (to !== undefined) flows.push({ id, from, to });
        break;
      }
      case 'C':
        counters.add(name);
        break;
    }
  }
  for (const key of open) problems.push(`b: ${key} has no end`);
  for (const { name, end, pid, tid } of slices) {
    if (end === Infinity) problems.push(`B: ${name} has no end`);
    if (!threads.has(tid)) problems.push(`thread ${String(tid)} has no name`);
    if (!processes.has(pid)) problems.push(`process ${String(pid)} has no name`);
  }
  if (starts.size !== flows.length) problems.push('flows without an end');
  return { problems, processes, threads, slices, flows, waits, counters };
}

/** What an event must have to be read at all. */
function shapeProblems({ ph, pid, tid, name, ts, dur, id, cat, args }: Event): readonly string[] {
  const problems: string[] = [];
  const expect = (is: boolean, what: string): void => {
    if (!is) problems.push(`${ph}: ${what}`);
  };
  const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;
  expect(KINDS.includes(ph), 'there is no such kind');
  expect(isCount(pid) && isCount(tid), 'pid and tid');
  expect(typeof name === 'string' && name !== '', 'name');
  expect(ph === 'M' || isCount(ts), `ts ${String(ts)}`);
  expect(ph !== 'X' || isCount(dur), `dur ${String(dur)}`);
  expect(!'besf'.includes(ph) || (id !== undefined && cat !== undefined), 'id and cat');
  expect(
    ph !== 'C' || Object.values(args ?? {}).every((value) => typeof value === 'number'),
    'args',
  );
  expect(
    ph !== 'M' || ['process_name', 'thread_name', 'process_sort_index'].includes(name),
    `metadata ${name}`,
  );
  return problems;
}
