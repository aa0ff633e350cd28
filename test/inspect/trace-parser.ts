/**
 * Reads Chrome trace events as Perfetto does, and says what it would not like: the rules of the "Trace
 * Event Format" that a file must keep so that it is shown as it was meant.
 */
interface Event {
  readonly ph: string;
  readonly pid: unknown;
  readonly tid: unknown;
  readonly name: unknown;
  readonly ts?: unknown;
  readonly dur?: unknown;
  readonly id?: unknown;
  readonly cat?: unknown;
  readonly args?: Readonly<Record<string, unknown>>;
}

export interface ParsedTrace {
  readonly problems: readonly string[];
  /** Names of processes by pid, and of threads by `pid tid`. */
  readonly processes: ReadonlyMap<number, string>;
  readonly threads: ReadonlyMap<string, string>;
  readonly slices: readonly {
    readonly pid: number;
    readonly tid: number;
    readonly name: string;
    readonly ts: number;
    readonly end: number;
    readonly depth: number;
  }[];
  readonly flows: number;
  readonly waits: number;
  readonly counters: ReadonlySet<string>;
}

export function parseTrace(text: string): ParsedTrace {
  const { traceEvents } = JSON.parse(text) as { traceEvents: readonly Event[] };
  const problems: string[] = [];
  const processes = new Map<number, string>();
  const threads = new Map<string, string>();
  const tracks = new Map<string, { name: string; ts: number; end: number }[]>();
  const flowStarts = new Map<unknown, { track: string; ts: number }>();
  const flowEnds: { id: unknown; track: string; ts: number }[] = [];
  const open = new Map<string, number>();
  const counters = new Set<string>();
  let waits = 0;

  for (const event of traceEvents) {
    const { ph, pid, tid, name } = event;
    if (!Number.isInteger(pid) || !Number.isInteger(tid)) problems.push(`${ph}: pid and tid`);
    if (typeof name !== 'string' || name === '') problems.push(`${ph}: name`);
    const track = `${String(pid)} ${String(tid)}`;
    const ts = event.ts as number;
    if (ph !== 'M' && !(Number.isInteger(ts) && ts >= 0)) problems.push(`${ph}: ts ${String(ts)}`);
    switch (ph) {
      case 'M':
        if (name === 'process_name') processes.set(pid as number, String(event.args?.['name']));
        else if (name === 'thread_name') threads.set(track, String(event.args?.['name']));
        else if (name !== 'process_sort_index') problems.push(`M: ${String(name)}`);
        break;
      case 'X': {
        const dur = event.dur as number;
        if (!Number.isInteger(dur) || dur < 0) problems.push(`X: dur ${String(dur)}`);
        const slices = tracks.get(track) ?? [];
        slices.push({ name: String(name), ts, end: ts + dur });
        tracks.set(track, slices);
        break;
      }
      case 'b':
      case 'e': {
        const key = `${String(event.cat)} ${String(event.id)} ${String(name)}`;
        if (event.id === undefined || event.cat === undefined) problems.push(`${ph}: id and cat`);
        if (ph === 'b') {
          if (open.has(key)) problems.push(`b: ${key} is open`);
          open.set(key, ts);
          waits += 1;
        } else {
          const begun = open.get(key);
          if (begun === undefined || begun > ts) problems.push(`e: ${key} has not begun`);
          open.delete(key);
        }
        break;
      }
      case 's':
        if (flowStarts.has(event.id)) problems.push(`s: ${String(event.id)} twice`);
        flowStarts.set(event.id, { track, ts });
        break;
      case 'f':
        flowEnds.push({ id: event.id, track, ts });
        break;
      case 'C':
        if (!Object.values(event.args ?? {}).every((value) => typeof value === 'number')) {
          problems.push('C: args');
        }
        counters.add(String(name));
        break;
      default:
        problems.push(`an event of kind ${ph}`);
    }
  }
  for (const key of open.keys()) problems.push(`b: ${key} has no end`);

  const slices: ParsedTrace['slices'][number][] = [];
  for (const [track, all] of tracks) {
    if (!threads.has(track)) problems.push(`thread ${track} has no name`);
    const [pid = 0, tid = 0] = track.split(' ').map(Number);
    if (!processes.has(pid)) problems.push(`process ${String(pid)} has no name`);
    all.sort((a, b) => a.ts - b.ts || b.end - a.end);
    const stack: { name: string; end: number }[] = [];
    for (const slice of all) {
      while (stack.length > 0 && (stack.at(-1)?.end ?? 0) <= slice.ts) stack.pop();
      const around = stack.at(-1);
      if (around !== undefined && slice.end > around.end) {
        problems.push(`${slice.name} of ${track} overlaps ${around.name}`);
      }
      slices.push({ pid, tid, ...slice, depth: stack.length });
      stack.push(slice);
    }
  }
  const covers = (track: string, ts: number): boolean =>
    (tracks.get(track) ?? []).some((slice) => slice.ts <= ts && ts <= slice.end);
  for (const { id, track, ts } of flowEnds) {
    const start = flowStarts.get(id);
    if (start === undefined) problems.push(`f: ${String(id)} has no start`);
    else if (start.ts > ts) problems.push(`f: ${String(id)} ends before it starts`);
    else if (!covers(start.track, start.ts)) problems.push(`s: ${String(id)} is in no slice`);
    if (!covers(track, ts)) problems.push(`f: ${String(id)} is in no slice`);
  }
  if (flowStarts.size !== flowEnds.length) problems.push('flows without an end');
  return { problems, processes, threads, slices, flows: flowEnds.length, waits, counters };
}
