/**
 * In simulated runs, whatever the charts of the engine do is done by XState as well, and compared: each
 * transition has the same snapshot, the same messages in the same order, and the same steps.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AnyStateMachine, EventObject } from 'xstate';
import { expect, test, vi } from 'vitest';
import { simulate } from './simulate.ts';

const SEEDS = 150;

interface Scope {
  readonly system: object;
  defer: (callback: () => void) => void;
  actionExecutor: (action: Action) => void;
}

interface Action {
  readonly type: string;
  readonly params: unknown;
  readonly info: unknown;
  readonly exec: ((info: unknown, params: unknown) => void) | undefined;
}

/** What a transition would do, without having done it. */
interface Observed {
  readonly snapshot: Looked;
  readonly actions: readonly (readonly [type: string, params: unknown])[];
  readonly steps: readonly unknown[];
  readonly deferred: readonly (() => void)[];
}

interface Looked {
  readonly status: string;
  readonly value: unknown;
  readonly context: unknown;
  readonly children: object;
}

type Transition = (snapshot: unknown, event: EventObject, scope: Scope) => Looked;

const counts = vi.hoisted(() => ({ compared: 0, different: [] as string[] }));

vi.mock(import('../../machines/compiled.ts'), async (importOriginal) => {
  const { compiled } = await importOriginal();
  return {
    compiled: (machine, copy) => {
      const logic = compiled(machine, copy);
      const transition = (snapshot: unknown, event: EventObject, scope: Scope): unknown =>
        compare(machine, logic, snapshot, event, scope);
      const checked = Object.create(logic) as { transition: unknown };
      checked.transition = transition;
      return checked as unknown as typeof machine;
    },
  };
});

function compare(
  machine: AnyStateMachine,
  logic: AnyStateMachine,
  before: unknown,
  event: EventObject,
  scope: Scope,
): unknown {
  const ours = observe(logic, before, event, scope);
  // What XState starts it registers: twice would be once too often.
  const hasStarted = Object.keys(ours.snapshot.children).some(
    (id) => !(id in (before as Looked).children),
  );
  if (!hasStarted) {
    const theirs = observe(machine, before, event, scope);
    counts.compared += 1;
    for (const part of ['actions', 'steps'] as const) {
      if (isDeepStrictEqual(ours[part], theirs[part])) continue;
      counts.different.push(`${machine.id}: ${event.type}: ${part}`);
    }
    if (!isDeepStrictEqual(look(ours.snapshot), look(theirs.snapshot))) {
      counts.different.push(`${machine.id}: ${event.type}: snapshot`);
    }
  }
  ours.deferred.forEach((callback) => {
    scope.defer(callback);
  });
  return ours.snapshot;
}

function observe(
  logic: AnyStateMachine,
  before: unknown,
  event: EventObject,
  scope: Scope,
): Observed {
  const actions: (readonly [string, unknown])[] = [];
  const steps: unknown[] = [];
  const deferred: (() => void)[] = [];
  const watched: Scope = {
    ...scope,
    system: {
      ...scope.system,
      _sendInspectionEvent: (inspected: {
        readonly type: string;
        readonly snapshot: Looked;
        readonly _transitions: readonly unknown[];
      }) => {
        if (inspected.type !== '@xstate.microstep') return;
        steps.push([look(inspected.snapshot), inspected._transitions]);
      },
    },
    defer: (callback) => deferred.push(callback),
    actionExecutor: ({ type, params, info, exec }) => {
      actions.push([type, params]);
      exec?.(info, params);
    },
  };
  const transition = logic.transition.bind(logic) as unknown as Transition;
  const snapshot = transition(before, event, watched);
  return { snapshot, actions, steps, deferred };
}

/** Contexts hold actors, which are compared by what they are: the same, or another. */
function look({ status, value, context, children }: Looked): unknown {
  return { status, value, context, children: Object.keys(children) };
}

test(
  `the charts of ${String(SEEDS)} simulated runs do what XState makes of them`,
  {
    timeout: 300_000,
  },
  async () => {
    for (let seed = 1; seed <= SEEDS; seed++) await simulate(seed);
    expect(counts.different).toEqual([]);
    expect(counts.compared).toBeGreaterThan(10_000);
  },
);
