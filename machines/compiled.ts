/**
 * Runs a chart of ours without XState's general interpreter, which works out anew for each event what
 * follows from the chart alone: what is exited and entered, in which order, and how the snapshot looks
 * then. `moves.ts` works that out once. What comes of it is what comes of XState's, for inspectors as
 * well; what is not known there (children to start, final states, XState's own events) is left to XState.
 */
import type {
  ActorScope,
  AnyActorRef,
  AnyStateMachine,
  ContextFrom,
  EventObject,
  MachineContext,
  Snapshot,
} from 'xstate';
import { movesAfter, movesOn, type ChartSnapshot, type Move, type Transition } from './moves.ts';
import type { Message } from './xstate.ts';

/** A move that was made, or that there was none to make. */
interface Step {
  readonly snapshot: ChartSnapshot;
  readonly messages: readonly Message[];
  readonly transitions: readonly Transition[];
}

/** What happens, to whom, and how the context is copied for decisions that change a part of it. */
interface Occasion {
  readonly event: EventObject;
  readonly self: AnyActorRef;
  readonly copy: (context: MachineContext) => MachineContext;
}

/** Parts of XState's actor system that its own logic uses, and that its types do not show. */
interface SystemInternals {
  /** Delivers an event, so that inspectors see who has sent it. */
  _relay?(source: AnyActorRef, target: AnyActorRef, event: EventObject): void;
  _sendInspectionEvent?(event: {
    readonly type: '@xstate.microstep';
    readonly actorRef: AnyActorRef;
    readonly event: EventObject;
    readonly snapshot: ChartSnapshot;
    readonly _transitions: readonly Transition[];
  }): void;
}

type Scope = ActorScope<Snapshot<unknown>, EventObject>;

/**
 * The same chart, faster, as logic of an actor.
 * @param copy copies a context, for decisions that change a part of it: see `Draft`.
 */
export function compiled<TMachine extends AnyStateMachine>(
  machine: TMachine,
  copy: (context: ContextFrom<TMachine>) => ContextFrom<TMachine>,
): TMachine {
  const transition = (before: ChartSnapshot, event: EventObject, scope: Scope): ChartSnapshot => {
    const { self } = scope;
    const system = scope.system as SystemInternals;
    // Another version of XState may do without them.
    const isKnown = system._relay !== undefined && system._sendInspectionEvent !== undefined;
    const occasion = { event, self, copy: copy as unknown as Occasion['copy'] };
    const steps = isKnown ? walk(before, occasion) : undefined;
    if (steps === undefined) {
      return machine.transition(before as never, event, scope as never) as ChartSnapshot;
    }
    let last = before;
    for (const { messages, transitions, snapshot } of steps) {
      for (const message of messages) send(message, snapshot, event, scope);
      system._sendInspectionEvent?.({
        type: '@xstate.microstep',
        actorRef: self,
        event,
        snapshot,
        _transitions: transitions,
      });
      last = snapshot;
    }
    return last;
  };
  const logic = Object.create(machine) as { transition: unknown };
  logic.transition = transition;
  return logic as unknown as TMachine;
}

/** All that an event leads to; undefined when XState has to say. Nothing has been done about it then. */
function walk(before: ChartSnapshot, occasion: Occasion): readonly Step[] | undefined {
  const { type } = occasion.event;
  if (before.status !== 'active' || type.startsWith('xstate.')) return undefined;
  const steps: Step[] = [];
  let at = before;
  let moves = movesOn(at, type);
  for (;;) {
    if (moves === 'unknown') return undefined;
    const move = firstOf(moves, at, occasion.event);
    if (move === undefined && steps.length > 0) return steps;
    const step: Step | undefined =
      move === undefined
        ? { snapshot: at, messages: [], transitions: [] }
        : take(move, at, occasion);
    if (step === undefined) return undefined;
    const isWithoutEffect = step.snapshot === at && steps.length > 0;
    steps.push(step);
    if (isWithoutEffect) return steps;
    at = step.snapshot;
    moves = movesAfter(at);
  }
}

function firstOf(
  moves: readonly Move[],
  { context }: ChartSnapshot,
  event: EventObject,
): Move | undefined {
  for (const move of moves) {
    if (move.guard === undefined || move.guard({ context, event })) return move;
  }
  return undefined;
}

/** Makes a move; undefined when it starts children. */
function take(
  { decisions, from, target, transitions }: Move,
  before: ChartSnapshot,
  { event, self, copy }: Occasion,
): Step | undefined {
  let { context } = before;
  let messages: readonly Message[] = [];
  for (const decide of decisions) {
    const { context: changes, send: sent, spawn } = decide(context, event, self);
    if (spawn !== undefined && spawn.length > 0) return undefined;
    if (changes !== undefined) {
      // Nothing is copied when what changes is all there is.
      const isWhole = sizeOf(changes) === sizeOf(context);
      context = isWhole ? changes : Object.assign(copy(context), changes);
    }
    if (sent !== undefined) messages = messages.length === 0 ? sent : [...messages, ...sent];
  }
  const isSame = context === before.context && target === from;
  const snapshot = isSame ? before : { ...target.template, context, children: before.children };
  return { snapshot, messages, transitions };
}

/** How many fields an object has, without an array of their names. */
function sizeOf(fields: object): number {
  let size = 0;
  for (const name in fields) if (name !== '') size += 1;
  return size;
}

/** Sends as XState's `sendTo` does: when the transition is over, and for inspectors to see. */
function send(
  { to, event: message }: Message,
  { context, children, machine }: ChartSnapshot,
  event: EventObject,
  scope: Scope,
): void {
  const { self, system } = scope;
  const targetId = typeof to === 'string' ? to : undefined;
  const target = typeof to === 'string' ? children[to] : to;
  if (target === undefined) {
    throw new Error(`"${machine.id}" has no child "${String(targetId)}" to tell "${message.type}"`);
  }
  scope.actionExecutor({
    type: 'xstate.sendTo',
    info: { context, event, self: self as never, system },
    params: { to: target, targetId, event: message, id: undefined, delay: undefined },
    exec: () => {
      scope.defer(() => {
        (system as SystemInternals)._relay?.(self, target, message);
      });
    },
  });
}
