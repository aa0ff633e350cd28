/**
 * Machines of XState 4 as something to watch. An app of that time tells what happens in it to the
 * receivers of its inspector, `@xstate/inspect`: one of them is handed in, so that whoever has it says how
 * it is connected. Nothing is sent to the app but that somebody listens.
 */
import type { Env } from '../../../actors/env.ts';
import { escapeId, stateName } from '../../../actors/run-events.ts';
import { describe } from '../../../machines/errors.ts';
import type { RunEvent, RunEventBody } from '../../../machines/run-event.ts';
import { checkEvent } from '../check-event.ts';
import type { ActorValue } from '../protocol.ts';
import type { Watched } from '../recorder.ts';
import { showable, type RedactOptions } from '../redact.ts';
import { SourceError } from '../run-source.ts';
import { describeXState4Machine, takenTransitions } from './describe-machine.ts';

/** What `createWebSocketReceiver` and `createWindowReceiver` of `@xstate/inspect` make. */
export interface XState4Receiver {
  subscribe(
    next: (event: unknown) => void,
    error?: (error: unknown) => void,
  ): { unsubscribe(): void };
  send(event: { readonly type: 'xstate.inspecting' }): unknown;
}

/** One interpreted machine. */
interface Service {
  readonly path: string;
  readonly machine: string;
  readonly definition: unknown;
  /** As JSON: tells whether it is the same machine that is told of again. */
  readonly text: string;
  state: Readonly<Record<string, unknown>>;
  stateName: string;
}

/** Watches what a receiver receives, from now on. Machines that are running already are told of first. */
export function watchReceiver(receiver: XState4Receiver, name: string, env: Env): Watched {
  const startedAt = env.now();
  const root = escapeId(name);
  const services = new Map<string, Service>();

  return {
    name,
    kind: 'actor',
    env,
    startedAt,
    value: (path, options) => valueOf(path, options),
    note: () => undefined,
    controls: undefined,
    listen(listener) {
      let seq = 0;
      /** Machine names by definition. */
      const machines = new Map<string, string>();

      function emit(event: RunEventBody): void {
        const numbered: RunEvent = { ...event, seq, at: env.now() - startedAt };
        if (checkEvent(numbered, seq) !== undefined) return;
        seq += 1;
        listener(numbered);
      }

      function register(told: Readonly<Record<string, unknown>>): void {
        const { sessionId, id, parent } = told;
        const machine = told['machine'] as Readonly<Record<string, unknown>>;
        const state = told['state'] as Service['state'];
        // As text it has ids of states in the place of the states themselves.
        const text = JSON.stringify(machine['definition']);
        const definition = JSON.parse(text) as unknown;
        const known = services.get(sessionId as string);
        if (known?.text === text) {
          enter(known, state);
          return;
        }
        const above = services.get(parent as string)?.path ?? root;
        const service: Service = {
          path: freePath(`${above}/${escapeId(String(id ?? machine['id']))}`),
          machine: defined(text, definition),
          definition,
          text,
          state,
          stateName: '',
        };
        services.set(sessionId as string, service);
        emit({ type: 'actor.started', actor: service.path, machine: service.machine });
        enter(service, state);
      }

      /** Told again, to another receiver or after it was lost, a machine is not another one. */
      function defined(text: string, definition: unknown): string {
        const known = machines.get(text);
        if (known !== undefined) return known;
        const described = describeXState4Machine(definition);
        const taken = new Set(machines.values());
        let machine = described.id;
        for (let number = 2; taken.has(machine); number++) {
          machine = `${described.id}#${String(number)}`;
        }
        machines.set(text, machine);
        emit({ type: 'machine.defined', machine, definition: described });
        return machine;
      }

      function enter(service: Service, state: Service['state']): void {
        service.state = state;
        const entered = stateName(state['value']);
        if (entered === '' || entered === service.stateName) return;
        service.stateName = entered;
        const { name: event } = state['_event'] as { readonly name: string };
        const transitions = takenTransitions(service.definition, state['transitions']);
        const trigger = event === 'xstate.init' ? {} : { event, transitions };
        emit({ type: 'state.entered', actor: service.path, state: entered, ...trigger });
      }

      function take(told: Readonly<Record<string, unknown>>): void {
        if (told['type'] === 'service.register') {
          register(told);
          return;
        }
        const sessionId = told['sessionId'] as string;
        const service = services.get(sessionId);
        if (service === undefined) return;
        switch (told['type']) {
          case 'service.event': {
            const { name: message, origin } = told['event'] as Readonly<Record<string, string>>;
            if (message === undefined || message === 'xstate.init') return;
            // Who sends is a session, or what the receiver has invoked by that name.
            const child = `${service.path}/${escapeId(origin ?? '')}`;
            const from = origin === undefined ? undefined : (services.get(origin)?.path ?? child);
            emit({ type: 'message', from, to: service.path, message, refs: 0 });
            break;
          }
          case 'service.state':
            enter(service, told['state'] as Service['state']);
            break;
          case 'service.stop':
            services.delete(sessionId);
            emit({ type: 'actor.stopped', actor: service.path });
            break;
          default:
            break;
        }
      }

      emit({ type: 'actor.started', actor: root, machine: name });
      const subscription = receiver.subscribe(
        (event) => {
          try {
            take(event as Readonly<Record<string, unknown>>);
          } catch {
            // It is not what the package tells: there is nothing to show of it.
          }
        },
        (error) => {
          emit({ type: 'run.ended', status: 'failed', failure: { error: wordsOf(error) } });
        },
      );
      askForAll();
      return () => {
        subscription.unsubscribe();
      };
    },
  };

  /** Machines that were told of before anybody listened here are told of once more. */
  function askForAll(): void {
    try {
      receiver.send({ type: 'xstate.inspecting' });
    } catch {
      // It is not connected yet, and asks by itself when it is.
    }
  }

  function freePath(wanted: string): string {
    const taken = new Set([...services.values()].map(({ path }) => path));
    let path = wanted;
    for (let number = 2; taken.has(path); number++) path = `${wanted}#${String(number)}`;
    return path;
  }

  function valueOf(path: string, options: RedactOptions): ActorValue {
    const service = [...services.values()].find((one) => one.path === path);
    if (service === undefined) {
      throw new SourceError('NOT_FOUND', `there is no machine ${path} now`);
    }
    const { context } = service.state;
    return { state: service.stateName, context: showable(context, options) };
  }
}

/** Sockets tell of errors with events, which say little. */
function wordsOf(error: unknown): string {
  if (error instanceof Error) return describe(error);
  const { message } = (error ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' && message !== '' ? message : 'the receiver has lost its app';
}
