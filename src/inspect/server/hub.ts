/** The runs that are shown, with a recorder each. */
import { OptionError } from '../../../machines/errors.ts';
import { added } from '../listeners.ts';
import type { RunInfo } from '../protocol.ts';
import type { Recorder } from '../recorder.ts';

export interface Hub {
  /** Shows another run. Returns its id; a run that is shown already keeps the one it has. */
  readonly add: (key: object, make: (id: string) => Recorder) => string;
  readonly runs: () => readonly RunInfo[];
  readonly recorder: (id: string) => Recorder | undefined;
  /** Id of the newest run. */
  readonly newest: () => string | undefined;
  readonly onChange: (listener: () => void) => () => void;
  readonly tick: () => void;
  readonly close: () => void;
}

/** Runs that are over are forgotten, the oldest first, when there are more than so many. */
const MAX_RUNS = 50;

export function createHub(): Hub {
  const recorders = new Map<string, Recorder>();
  const ids = new WeakMap<object, string>();
  const listeners = new Set<() => void>();
  let next = 0;

  function changed(): void {
    for (const listener of listeners) listener();
  }

  return {
    add(key, make) {
      const known = ids.get(key);
      if (known !== undefined && recorders.has(known)) return known;
      makeRoom();
      const id = `run-${String(next++)}`;
      recorders.set(id, make(id));
      ids.set(key, id);
      changed();
      return id;
    },
    runs: () => [...recorders.values()].map((recorder) => recorder.info()),
    recorder: (id) => recorders.get(id),
    newest: () => [...recorders.keys()].at(-1),
    onChange: (listener) => added(listeners, listener),
    tick() {
      for (const recorder of recorders.values()) recorder.tick();
    },
    close() {
      for (const recorder of recorders.values()) recorder.close();
      recorders.clear();
      listeners.clear();
    },
  };

  function makeRoom(): void {
    if (recorders.size < MAX_RUNS) return;
    const over = [...recorders].find(([, recorder]) => recorder.info().ended);
    if (over === undefined) {
      throw new OptionError('run', `${String(MAX_RUNS)} runs are being inspected already`);
    }
    over[1].close();
    recorders.delete(over[0]);
  }
}
