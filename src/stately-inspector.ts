/**
 * The way to XState's own inspector. `@statelyai/inspect` turns every event it gets into JSON, at some
 * hundred microseconds each, and later than it happened: so only what somebody wants to see reaches it,
 * as a copy that is small and does not change.
 */
import type { AnyActorRef, InspectionEvent, Observer } from 'xstate';
import { showable, type RedactOptions } from './inspect/redact.ts';
import { checkNames } from './options.ts';

export interface StatelyInspectorOptions extends Pick<RedactOptions, 'redact'> {
  /**
   * Which actors to show. Default: those that are statecharts (the supervisor, the resource, operators and
   * tasks), and none of the hands.
   */
  readonly actors?: (actor: AnyActorRef) => boolean;
  /** Which messages to show, by their type; also with the states they lead to. Default: all. */
  readonly messages?: (type: string) => boolean;
  /** Whether contexts are shown; they are redacted and cut short. Default: true. */
  readonly context?: boolean;
}

/** How deep and long a context may be that is shown there. */
const LIMITS = { maxDepth: 3, maxEntries: 30, maxText: 200, maxValues: 500 };

/**
 * Shows a run in an inspector of `@statelyai/inspect`. Where its data goes is decided by that inspector:
 * those that open stately.ai send it to a page of that site.
 *
 * @example
 * const inspector = createWebSocketInspector({ url: 'ws://127.0.0.1:8080' });
 * flow.start({ inspect: statelyInspector(inspector) });
 */
export function statelyInspector(
  inspector: { readonly inspect: Observer<InspectionEvent> },
  options: StatelyInspectorOptions = {},
): (event: InspectionEvent) => void {
  checkNames('options', options, ['actors', 'messages', 'context', 'redact']);
  const { actors = isChart, messages = () => true, context = true, redact } = options;
  const shown = new WeakMap<AnyActorRef, boolean>();
  const limits = { ...LIMITS, ...(redact === undefined ? {} : { redact }) };

  function isShown(actor: AnyActorRef): boolean {
    let is = shown.get(actor);
    if (is === undefined) {
      is = actors(actor);
      shown.set(actor, is);
    }
    return is;
  }

  /** What a snapshot says now: the inspector reads it later. */
  function copyOf(snapshot: unknown): object {
    const { status, value, context: whole, output, error } = snapshot as Record<string, unknown>;
    return {
      status,
      value,
      ...(context && whole !== undefined ? { context: showable(whole, limits) } : {}),
      ...(output === undefined ? {} : { output: showable(output, limits) }),
      ...(error === undefined ? {} : { error: showable(error, limits) }),
    };
  }

  return (event) => {
    const actor = event.actorRef as AnyActorRef;
    if (!isShown(actor)) return;
    switch (event.type) {
      case '@xstate.actor':
        inspector.inspect.next?.({ ...event, actorRef: stillActor(actor, copyOf) });
        break;
      case '@xstate.event':
        if (!messages(event.event.type)) return;
        inspector.inspect.next?.({
          ...event,
          event: showable(event.event, limits) as typeof event.event,
        });
        break;
      case '@xstate.snapshot':
        if (!messages(event.event.type)) return;
        inspector.inspect.next?.({
          ...event,
          event: { type: event.event.type },
          snapshot: copyOf(event.snapshot) as typeof event.snapshot,
        });
        break;
      default:
        // It has no use for microsteps and actions.
        break;
    }
  };
}

function isChart(actor: AnyActorRef): boolean {
  return (actor as { logic?: { root?: unknown } }).logic?.root !== undefined;
}

/** What is read of an actor that is announced, as it is now. */
function stillActor(
  actor: AnyActorRef,
  copyOf: (snapshot: unknown) => object,
): InspectionEvent['actorRef'] {
  const { id, sessionId } = actor;
  const { logic, _parent } = actor as { logic?: unknown; _parent?: { sessionId: string } };
  const snapshot = copyOf(snapshotOf(actor) ?? {});
  return {
    id,
    sessionId,
    logic,
    _parent: _parent === undefined ? undefined : { sessionId: _parent.sessionId },
    getSnapshot: () => snapshot,
  } as unknown as InspectionEvent['actorRef'];
}

/** An actor is announced before it has a snapshot; its first one follows as an event. */
function snapshotOf(actor: AnyActorRef): unknown {
  try {
    return actor.getSnapshot();
  } catch {
    return undefined;
  }
}
