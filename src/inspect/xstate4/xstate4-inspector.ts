/**
 * The way to receivers of `@xstate/inspect`, the inspector of XState 4: to whom they are connected, that
 * package's own `inspect`, each actor with a statechart is introduced as if it were a machine of version 4.
 * They may look: what they send to an actor is not delivered.
 */
import type { AnyActorRef, InspectionEvent } from 'xstate';
import { describeMachine } from '../../../machines/machine-definition.ts';
import { checkNames } from '../../options.ts';
import { showable, type RedactOptions } from '../redact.ts';
import { xstate4Config } from './machine-config.ts';

/** What `inspect` of `@xstate/inspect` leaves as `globalThis.__xstate__`, and takes as `devTools`. */
export interface XState4DevTools {
  register(service: never): void;
}

export interface XState4InspectorOptions extends Pick<RedactOptions, 'redact'> {
  /** Which actors to show. Default: all that are statecharts. */
  readonly actors?: (actor: AnyActorRef) => boolean;
}

/** An actor as an interpreted machine of XState 4: the parts that the package uses. */
interface Service {
  readonly id: string;
  readonly sessionId: string;
  readonly parent: { readonly sessionId: string } | undefined;
  readonly machine: { readonly definition: object; readonly toJSON: () => object };
  state: object;
  /** The package puts its own in the place of this one, to hear of what is sent. */
  send: (event: unknown) => void;
  readonly subscribe: (listener: (state: object) => void) => { unsubscribe(): void };
  readonly onStop: (listener: () => void) => void;
}

interface Shown {
  readonly service: Service;
  readonly tell: (state: object) => void;
  readonly stop: () => void;
}

/** How deep and long a context may be that is shown there: the package makes text of it at every event. */
const LIMITS = { maxDepth: 3, maxEntries: 30, maxText: 200, maxValues: 500 };

/**
 * Shows a run to receivers of `@xstate/inspect`. Who may connect to them is decided by whoever has started
 * that package's `inspect`; its WebSocket server asks nobody who they are.
 *
 * @example
 * inspect({ server: new WebSocketServer({ host: '127.0.0.1', port: 8888 }) }); // of @xstate/inspect/lib/server
 * flow.start({ inspect: xstate4Inspector(globalThis.__xstate__) });
 */
export function xstate4Inspector(
  devTools: XState4DevTools,
  options: XState4InspectorOptions = {},
): (event: InspectionEvent) => void {
  checkNames('options', options, ['actors', 'redact']);
  const { actors = () => true, redact } = options;
  const limits = { ...LIMITS, ...(redact === undefined ? {} : { redact }) };
  const shown = new WeakMap<AnyActorRef, Shown | undefined>();

  function shownFor(actor: AnyActorRef): Shown | undefined {
    if (shown.has(actor)) return shown.get(actor);
    const definition = describeMachine((actor as { logic?: unknown }).logic);
    const made =
      definition === undefined || !actors(actor)
        ? undefined
        : createService(actor, xstate4Config(definition));
    shown.set(actor, made);
    return made;
  }

  function stateOf(
    actor: AnyActorRef,
    snapshot: unknown,
    event: { readonly type: string },
  ): object {
    const { value, context, status } = snapshot as Readonly<Record<string, unknown>>;
    const told = eventOf(event);
    return {
      value,
      context: showable(context, limits),
      event: told,
      _event: { name: event.type, data: told, $$type: 'scxml', type: 'external' },
      _sessionid: actor.sessionId,
      done: status === 'done',
      changed: true,
      actions: [],
      activities: {},
      meta: {},
      events: [],
      children: {},
      configuration: [],
      transitions: [],
      tags: [],
    };
  }

  function eventOf(event: { readonly type: string }): object {
    return { ...(showable(event, limits) as object), type: event.type };
  }

  return (event) => {
    const actor = event.actorRef as AnyActorRef;
    const known = shownFor(actor);
    if (known === undefined) return;
    const { service } = known;
    switch (event.type) {
      case '@xstate.event':
        // What starts an actor comes before it has a state.
        if (event.event.type !== 'xstate.init') service.send(eventOf(event.event));
        break;
      case '@xstate.snapshot': {
        const state = stateOf(actor, event.snapshot, event.event);
        // Version 4 knows no machine without a state: it is introduced with its first one.
        const isNew = service.state === NOT_STARTED;
        service.state = state;
        if (isNew) devTools.register(service as never);
        else known.tell(state);
        const { status } = event.snapshot as { readonly status?: string };
        if (status !== 'active') known.stop();
        break;
      }
      default:
        // Version 4 knows of nothing else.
        break;
    }
  };
}

const NOT_STARTED = {};

function createService(actor: AnyActorRef, definition: object): Shown {
  const listeners = new Set<(state: object) => void>();
  const stopListeners = new Set<() => void>();
  const parent = (actor as { _parent?: AnyActorRef })._parent;
  const service: Service = {
    id: actor.id,
    sessionId: actor.sessionId,
    parent: parent === undefined ? undefined : { sessionId: parent.sessionId },
    machine: { definition, toJSON: () => definition },
    state: NOT_STARTED,
    send: () => undefined,
    subscribe(listener) {
      listeners.add(listener);
      return { unsubscribe: () => listeners.delete(listener) };
    },
    onStop: (listener) => stopListeners.add(listener),
  };
  return {
    service,
    tell(state) {
      for (const listener of listeners) listener(state);
    },
    stop() {
      for (const listener of stopListeners) listener();
      listeners.clear();
      stopListeners.clear();
    },
  };
}
