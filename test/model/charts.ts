/**
 * The real charts as pure functions: a snapshot and an event give a snapshot and the messages it sends.
 * Actors are made for their addresses, and never started.
 */
import { createActor, type AnyActorRef, type EventObject, type Snapshot } from 'xstate';
import { supervisorMachine } from '../../machines/supervisor/supervisor.machine.ts';
import type { SupervisorInput } from '../../machines/supervisor/supervisor.protocol.ts';

export interface ChartSnapshot extends Record<string, unknown> {
  readonly value: unknown;
  readonly status: string;
  readonly context: Record<string, unknown>;
  readonly children: Readonly<Record<string, AnyActorRef>>;
  readonly error?: unknown;
}

export interface Message {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** A message that was sent: to whom, by path, and what. */
export interface Sent {
  readonly to: string;
  readonly event: Message;
}

export interface Reaction {
  readonly snapshot: ChartSnapshot;
  readonly sent: readonly Sent[];
}

interface CollectedAction {
  readonly type: string;
  readonly params?: { readonly to?: AnyActorRef; readonly event?: EventObject };
}

/** What XState hands to a machine for a transition; here it only collects. */
interface Scope {
  actionExecutor: (action: CollectedAction) => void;
}

interface Chart {
  readonly logic: {
    transition(snapshot: Snapshot<unknown>, event: EventObject, scope: Scope): Snapshot<unknown>;
  };
  readonly _actorScope: Scope;
}

const scopes = new WeakMap<AnyActorRef, { scope: Scope; collected: CollectedAction[] }>();

function scopeOf(actor: AnyActorRef): { scope: Scope; collected: CollectedAction[] } {
  const known = scopes.get(actor);
  if (known !== undefined) return known;
  const collected: CollectedAction[] = [];
  const scope = {
    ...(actor as unknown as Chart)._actorScope,
    defer: () => undefined,
    actionExecutor: (action: CollectedAction) => {
      collected.push(action);
    },
  };
  const made = { scope, collected };
  scopes.set(actor, made);
  return made;
}

/** What a chart does about an event. */
export function react(actor: AnyActorRef, snapshot: ChartSnapshot, event: EventObject): Reaction {
  const { scope, collected } = scopeOf(actor);
  collected.length = 0;
  const { logic } = actor as unknown as Chart;
  const next = logic.transition(snapshot as unknown as Snapshot<unknown>, event, scope);
  return { snapshot: next as unknown as ChartSnapshot, sent: messagesOf(collected) };
}

export interface Root {
  readonly supervisor: AnyActorRef;
  readonly snapshot: ChartSnapshot;
  /** What it sends before its first event. */
  readonly sent: readonly Sent[];
}

/** A supervisor with all its children, none of them started. */
export function createRoot(input: SupervisorInput): Root {
  const collected: CollectedAction[] = [];
  const supervisor = createActor(supervisorMachine, { id: 'supervisor', input });
  // The first snapshot is made once more, with a scope that collects what it sends.
  const scope = {
    ...(supervisor as unknown as Chart)._actorScope,
    defer: () => undefined,
    actionExecutor: (action: CollectedAction) => {
      collected.push(action);
    },
  };
  const snapshot = supervisorMachine.getInitialSnapshot(scope as never, input);
  return {
    supervisor,
    snapshot: snapshot as unknown as ChartSnapshot,
    sent: messagesOf(collected),
  };
}

export function snapshotOf(actor: AnyActorRef): ChartSnapshot {
  return actor.getSnapshot() as ChartSnapshot;
}

function messagesOf(actions: readonly CollectedAction[]): Sent[] {
  return actions.flatMap(({ type, params }) =>
    type === 'xstate.sendTo' && params?.to !== undefined && params.event !== undefined
      ? [{ to: pathOf(params.to), event: params.event }]
      : [],
  );
}

/** Where an actor is in the tree: ids with slashes between them. */
export function pathOf(actor: unknown): string {
  const { id, _parent: parent } = actor as { id: string; _parent?: unknown };
  return parent === undefined ? id : `${pathOf(parent)}/${id}`;
}
