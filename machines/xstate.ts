/**
 * The few places where our charts touch XState's action creators. A chart decides in plain functions
 * `(context, event) => Step`; `react` turns such a function into an XState action. XState 6 drops
 * `assign`, `sendTo` and `spawnChild` for one function with an `enqueue` argument: then this file
 * changes and the charts stay.
 */
import {
  enqueueActions,
  type ActorRef,
  type AnyActorRef,
  type EventObject,
  type MachineContext,
  type ParameterizedObject,
  type Snapshot,
} from 'xstate';

/** Somebody who takes events of type `TEvent`; says nothing of what it is made of. */
export type Address<TEvent extends EventObject> = ActorRef<Snapshot<unknown>, TEvent>;

/** A message on its way: data, until XState delivers it when the transition is over. */
export interface Message {
  /** The receiver, or the id of one of the sender's children. */
  readonly to: AnyActorRef | string;
  readonly event: EventObject;
}

/** A child to start. Its id must be free: XState overwrites a living child without a word. */
export interface Spawn {
  /** Name of the logic among the machine's `actors`. */
  readonly src: string;
  readonly id: string;
  readonly input: unknown;
}

/** What a chart does about one event, as data. */
export interface Step<TContext> {
  /** The fields of the context that change. */
  readonly context?: Partial<TContext>;
  readonly spawn?: readonly Spawn[];
  readonly send?: readonly Message[];
}

/** Addresses a message, checking that the receiver takes such an event. */
export function tell<TEvent extends EventObject>(
  to: Address<TEvent>,
  event: NoInfer<TEvent>,
): Message {
  return { to, event };
}

/** How a chart decides, whatever it is a chart of. */
export type Decision = (
  context: MachineContext,
  event: EventObject,
  self: AnyActorRef,
) => Step<MachineContext>;

const decisions = new WeakMap<object, Decision>();

/** The decision that an action was made of by `react`. */
export function decisionOf(action: unknown): Decision | undefined {
  return typeof action === 'function' ? decisions.get(action) : undefined;
}

/**
 * An action that any chart with such a context takes: which event a named action serves is said by
 * the chart, not by the type of the action.
 */
type ReactAction<TContext> = (
  args: { readonly context: TContext; readonly event: EventObject },
  params: unknown,
) => void;

/**
 * Makes an XState action of a decision: one `assign`, then the children to start, then the messages.
 *
 * @example
 * setup({ actions: { addInput: react(addInput) } })
 */
export function react<TContext extends MachineContext>(
  // Each chart's decisions name the events and the address they are made for.
  decide: (context: TContext, event: never, self: never) => Step<TContext>,
): ReactAction<TContext> {
  const action = enqueueActions<TContext, EventObject, ParameterizedObject['params'] | undefined>(
    ({ context, event, self, enqueue }) => {
      const step = decide(context, event as never, self as never);
      // As a function: in an object, XState would call any value that is a function.
      const { context: changes } = step;
      if (changes !== undefined) enqueue.assign(() => changes);
      for (const { src, id, input } of step.spawn ?? []) enqueue.spawnChild(src, { id, input });
      for (const { to, event: message } of step.send ?? []) enqueue.sendTo(to, message);
    },
  );
  decisions.set(action, decide as unknown as Decision);
  return action as unknown as ReactAction<TContext>;
}
