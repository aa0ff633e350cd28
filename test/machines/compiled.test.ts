/**
 * Charts that are run from what was worked out once do what XState makes of them: the same snapshots,
 * the same messages, and the same for inspectors to see.
 */
import {
  createActor,
  setup,
  type AnyActorRef,
  type AnyStateMachine,
  type EventObject,
  type InspectionEvent,
  type Snapshot,
} from 'xstate';
import { describe, expect, test } from 'vitest';
import { compiled } from '../../machines/compiled.ts';
import { react, tell, type Address, type Step } from '../../machines/xstate.ts';

interface Context {
  readonly trail: readonly string[];
  readonly count: number;
}

/** A decision that leaves a trace of what it saw. */
const note =
  (text: string) =>
  (context: Context, { type }: EventObject): Step<Context> => ({
    context: { trail: [...context.trail, `${text} on ${type}`] },
  });

const listener = setup({ actions: { hear: react(() => ({})) } }).createMachine({
  id: 'listener',
  context: {},
  on: { note: { actions: 'hear' } },
});

const chart = setup({
  types: { context: {} as Context },
  actors: { listener },
  actions: {
    enterA: react(note('enter a')),
    leaveA: react(note('leave a')),
    enterB: react(note('enter b')),
    leaveB: react(note('leave b')),
    enterB1: react(note('enter b1')),
    leaveB1: react(note('leave b1')),
    enterB2: react(note('enter b2')),
    go: react(note('go')),
    count: react(({ count }: Context) => ({ context: { count: count + 1 } })),
    whole: react((context: Context) => ({ context: { ...context, count: 100 } })),
    nothing: react(() => ({})),
    greet: react(({ count }: Context) => ({
      context: { count: count + 1 },
      send: [
        { to: 'child', event: { type: 'note', text: 'first' } },
        { to: 'child', event: { type: 'note', text: 'second' } },
      ],
    })),
    greetSelf: react((_context: Context, _event: EventObject, self: AnyActorRef) => ({
      send: [tell(self as Address<{ type: 'whole' }>, { type: 'whole' })],
    })),
    adopt: react(() => ({ spawn: [{ src: 'listener', id: 'child', input: undefined }] })),
    plain: () => undefined,
  },
  guards: {
    never: () => false,
    isLarge: ({ context }) => context.count > 2,
    isSmall: ({ context }) => context.count <= 2,
  },
}).createMachine({
  id: 'chart',
  context: { trail: [], count: 0 },
  on: {
    anywhere: { actions: 'go' },
    outermost: { target: '.c' },
    count: { actions: 'count' },
  },
  initial: 'a',
  states: {
    a: {
      entry: 'enterA',
      exit: 'leaveA',
      on: {
        next: [
          { guard: 'never', target: 'c' },
          { actions: ['go', 'count'], target: 'b' },
        ],
        anywhere: { guard: 'never', actions: 'count' },
        stay: { target: 'a' },
        again: { target: 'a', reenter: true },
        whole: { actions: 'whole' },
        nothing: { actions: 'nothing' },
        plain: { actions: 'plain' },
        adopt: { actions: 'adopt' },
        greet: { actions: ['greet', 'greetSelf'] },
        end: { target: 'end' },
      },
    },
    b: {
      entry: 'enterB',
      exit: 'leaveB',
      initial: 'b1',
      on: { inner: { target: '.b2' }, back: { target: 'a' }, restart: { target: 'b' } },
      states: {
        b1: { entry: 'enterB1', exit: 'leaveB1', on: { across: 'b2', out: '#chart.c' } },
        b2: { entry: 'enterB2', always: { guard: 'isLarge', actions: 'go', target: '#chart.c' } },
      },
    },
    c: {
      always: [
        { guard: 'isSmall', actions: 'count' },
        { guard: 'never', target: 'a' },
      ],
      on: { next: { target: 'b.b2' }, 'anywhere.*': { actions: 'go' } },
    },
    end: { type: 'final' },
  },
});

/** All that inspectors see of an actor that gets these events, without what differs by nature. */
function watch(machine: AnyStateMachine, events: readonly string[]): readonly unknown[] {
  const seen: unknown[] = [];
  const names = new Map<AnyActorRef, string>();
  const nameOf = (actor: AnyActorRef | undefined): string => {
    if (actor === undefined) return 'nobody';
    if (!names.has(actor)) names.set(actor, `actor ${String(names.size)}`);
    return names.get(actor) ?? '';
  };
  const actor = createActor(machine, {
    inspect: (event: InspectionEvent) => {
      seen.push(describeInspected(event, nameOf));
    },
  });
  let thrown: unknown;
  actor.subscribe({
    error: (error) => {
      thrown = error;
    },
  });
  actor.start();
  for (const type of events) actor.send({ type });
  return [...seen, thrown instanceof Error ? 'an error' : thrown];
}

function describeInspected(
  event: InspectionEvent,
  nameOf: (actor: AnyActorRef | undefined) => string,
): unknown {
  const actor = nameOf(event.actorRef as AnyActorRef);
  switch (event.type) {
    case '@xstate.event':
      return [event.type, actor, nameOf(event.sourceRef as AnyActorRef | undefined), event.event];
    case '@xstate.action': {
      const { to, actorRef, ...params } = (event.action.params ?? {}) as {
        readonly to?: AnyActorRef;
        readonly actorRef?: AnyActorRef;
      };
      const others = [to, actorRef].map((other) => other && nameOf(other));
      return [event.type, actor, event.action.type, params, others];
    }
    case '@xstate.microstep': {
      const taken = event._transitions.map((transition) => transition.toJSON());
      return [event.type, actor, event.event, taken, describeSnapshot(event.snapshot)];
    }
    case '@xstate.snapshot':
      return [event.type, actor, event.event, describeSnapshot(event.snapshot)];
    default:
      return [event.type, actor];
  }
}

function describeSnapshot(snapshot: Snapshot<unknown>): unknown {
  const { status, value, context, tags, children, historyValue, _nodes } = snapshot as unknown as {
    readonly status: string;
    readonly value: unknown;
    readonly context: object;
    readonly tags: ReadonlySet<string>;
    readonly children: object;
    readonly historyValue: object;
    readonly _nodes: readonly { readonly id: string }[];
  };
  const states = _nodes.map(({ id }) => id).sort();
  return { status, value, context, tags, children: Object.keys(children), historyValue, states };
}

const copy = (context: Context): Context => ({ ...context });

describe('a compiled chart is inspected as the chart is', () => {
  test.each([
    ['a transition with exit, actions and entry', ['next']],
    ['a transition to a sibling within a state', ['next', 'across']],
    ['a transition out of a state within another', ['next', 'out']],
    ['a transition of the state around, into itself', ['next', 'inner']],
    ['a transition of the state around, to itself', ['next', 'restart']],
    ['a transition of the state around, out of it', ['next', 'back']],
    ['a transition of the root', ['anywhere', 'next', 'anywhere']],
    ['a transition of the root to a state', ['next', 'outermost']],
    ['a state that is its own target', ['stay', 'stay']],
    ['a state that is entered again', ['again', 'next']],
    ['transitions that are taken by themselves', ['outermost', 'next', 'next']],
    ['a chain of them', ['count', 'count', 'count', 'next', 'across', 'next']],
    ['an event that nobody knows', ['whatever', 'next', 'whatever']],
    ['an event by a pattern', ['outermost', 'anywhere.else', 'next']],
    ['a decision that gives the whole context', ['whole', 'next']],
    ['a decision that changes nothing', ['nothing', 'nothing']],
    ['an action that is none of ours', ['plain', 'next', 'back']],
    ['a child that is started, and messages to it', ['adopt', 'greet', 'next', 'back', 'greet']],
    ['a message to a child that is not there', ['greet', 'next']],
    ['a final state', ['end', 'next']],
  ])('%s', (_name, events) => {
    expect(watch(compiled(chart, copy), events)).toEqual(watch(chart, events));
  });
});

test('what changes nothing leaves the snapshot as it is', () => {
  const actor = createActor(compiled(chart, copy)).start();
  const before = actor.getSnapshot();
  actor.send({ type: 'nothing' });
  actor.send({ type: 'whatever' });
  expect(actor.getSnapshot()).toBe(before);
});

test('a context is copied as the chart says, when a part of it changes', () => {
  const copied: Context[] = [];
  const actor = createActor(
    compiled(chart, (context) => {
      copied.push(context);
      return { ...context };
    }),
  ).start();
  const { context } = actor.getSnapshot();
  actor.send({ type: 'count' });
  actor.send({ type: 'whole' });
  expect(copied).toEqual([context]);
  expect(actor.getSnapshot().context).toMatchObject({ count: 100 });
});

test('messages go out when the snapshot is the new one, with their sender', () => {
  const heard: unknown[] = [];
  const actor = createActor(compiled(chart, copy), {
    inspect: (event) => {
      if (event.type !== '@xstate.event' || event.event.type !== 'note') return;
      heard.push([event.sourceRef === actor, actor.getSnapshot().context.count]);
    },
  }).start();
  actor.send({ type: 'adopt' });
  actor.send({ type: 'greet' });
  expect(heard).toEqual([
    [true, 1],
    [true, 1],
  ]);
});

test('without the parts of XState that it takes, it leaves all to XState', () => {
  const logic = compiled(chart, copy);
  const actor = createActor(chart).start();
  const { _relay, ...others } = actor.system as unknown as Record<string, unknown>;
  expect(_relay).toBeDefined();
  const messages: unknown[] = [];
  const scope = {
    self: actor,
    system: others,
    defer: () => undefined,
    actionExecutor: ({ type }: { readonly type: string }) => messages.push(type),
  };
  const next = logic.transition(actor.getSnapshot(), { type: 'next' }, scope as never);
  expect(next.value).toEqual({ b: 'b1' });
});

test('a chart can be restored from what was kept of it', () => {
  const logic = compiled(chart, copy);
  const actor = createActor(logic).start();
  actor.send({ type: 'next' });
  const restored = createActor(logic, { snapshot: actor.getPersistedSnapshot() }).start();
  restored.send({ type: 'across' });
  expect(restored.getSnapshot().value).toEqual({ b: 'b2' });
  expect(restored.getSnapshot().matches({ b: 'b2' })).toBe(true);
});
