/**
 * Makes run events of what XState's inspection shows of a run. Attached only while somebody listens:
 * otherwise it costs nothing. What is recorded is read at the moment it happens and holds no actor.
 */
import type { AnyActorRef, InspectionEvent } from 'xstate';
import type { BlockRef } from '../machines/block.ts';
import { describe } from '../machines/errors.ts';
import type {
  OutletEvent,
  RunnerEvent,
  RunReport,
  StoreEvent,
} from '../machines/hands.protocol.ts';
import type { OperatorEvent } from '../machines/operator/operator.protocol.ts';
import type { ResourceEvent, ResourceReply } from '../machines/resource/resource.protocol.ts';
import type { RunEventBody } from '../machines/run-event.ts';

type Message =
  | OperatorEvent
  | ResourceEvent
  | ResourceReply
  | RunnerEvent
  | RunReport
  | StoreEvent
  | OutletEvent;

interface Translator {
  readonly inspect: (event: InspectionEvent) => void;
  /** Tells of an actor that is there already, and of all below it. */
  readonly introduce: (root: AnyActorRef) => void;
}

/** Translates inspection events into run events. `operators` are the names by index in the plan. */
export function createTranslator(
  operators: readonly string[],
  emit: (event: RunEventBody) => void,
): Translator {
  const states = new WeakMap<AnyActorRef, string>();
  const nameOf = (index: number): string => operators[index] ?? String(index);

  function introduce(actor: AnyActorRef): void {
    emit({ type: 'actor.started', actor: pathOf(actor), machine: machineOf(actor) });
    const snapshot = actor.getSnapshot() as { value?: unknown; children?: object } | undefined;
    noteState(actor, snapshot);
    for (const child of Object.values(snapshot?.children ?? {})) introduce(child as AnyActorRef);
  }

  function noteState(actor: AnyActorRef, snapshot: { value?: unknown } | undefined): void {
    if (snapshot?.value === undefined) return;
    const state = stateName(snapshot.value);
    if (states.get(actor) === state) return;
    states.set(actor, state);
    emit({ type: 'state.entered', actor: pathOf(actor), state });
  }

  return {
    introduce,
    inspect(event) {
      const actor = event.actorRef as AnyActorRef;
      switch (event.type) {
        case '@xstate.actor':
          emit({ type: 'actor.started', actor: pathOf(actor), machine: machineOf(actor) });
          break;
        case '@xstate.event': {
          const { event: message } = event;
          const sourceRef = event.sourceRef as AnyActorRef | undefined;
          if (message.type === 'xstate.init') break;
          emit({
            type: 'message',
            from: sourceRef === undefined ? undefined : pathOf(sourceRef),
            to: pathOf(actor),
            message: message.type,
            refs: refCount(message),
          });
          translate(message as Message, actor.id);
          break;
        }
        case '@xstate.microstep':
          noteState(actor, event.snapshot as { value?: unknown });
          break;
        case '@xstate.snapshot':
          noteState(actor, event.snapshot as { value?: unknown });
          if (event.event.type === 'xstate.stop') {
            emit({ type: 'actor.stopped', actor: pathOf(actor) });
          }
          break;
        default:
          break;
      }
    },
  };

  function translate(message: Message, receiver: string): void {
    switch (message.type) {
      case 'operator.dispatch':
        emit({ type: 'dispatched', operator: receiver, tasks: message.grants.length });
        break;
      case 'operator.input':
        emit({ type: 'blocks.moved', to: receiver, blocks: idsOf(message.refs) });
        break;
      case 'outlet.deliver':
        emit({ type: 'blocks.moved', to: 'consumer', blocks: idsOf(message.refs) });
        break;
      case 'resource.decision':
        for (const { holder, token } of message.grants) {
          if (token === undefined) continue;
          emit({ type: 'token.granted', operator: nameOf(holder), token });
        }
        for (const { holder, denial } of message.refusals) {
          const { limit, asked, free } = denial;
          emit({ type: 'token.denied', operator: nameOf(holder), limit, asked, free });
        }
        break;
      case 'resource.settle':
        for (const { holder, tokens } of message.settlements) {
          for (const token of tokens) {
            emit({ type: 'token.released', operator: nameOf(holder), token });
          }
        }
        break;
      case 'runner.run': {
        const { operator, task, attempt, inputs } = message;
        emit({ type: 'task.started', operator: nameOf(operator), task, attempt, inputs });
        break;
      }
      case 'task.progress':
      case 'task.settled':
        translateTask(message, receiver);
        break;
      default:
        break;
    }
  }

  function translateTask(
    message: Extract<OperatorEvent, { type: 'task.progress' | 'task.settled' }>,
    operator: string,
  ): void {
    const { task, outputs, busyMs } = message;
    for (const block of outputs) emit({ type: 'block.produced', operator, task, block });
    if (message.type === 'task.settled') {
      emit({ type: 'task.ended', operator, task, outcome: message.outcome, busyMs });
      return;
    }
    const { retried, dropped } = message;
    if (retried !== undefined) {
      const { lineage, error, delayMs } = retried;
      emit({ type: 'task.retried', operator, task, lineage, error: describe(error), delayMs });
    }
    if (dropped !== undefined) {
      const { lineage, attempts, cause } = dropped;
      emit({ type: 'block.dropped', operator, lineage, attempts, cause: describe(cause) });
    }
  }
}

/** Where an actor is in the tree: ids from the root down, with slashes between them. */
function pathOf(actor: AnyActorRef): string {
  const parent = (actor as { _parent?: AnyActorRef })._parent;
  return parent === undefined ? actor.id : `${pathOf(parent)}/${actor.id}`;
}

function machineOf(actor: AnyActorRef): string {
  const { logic } = actor as { logic?: { config?: { id?: string } } };
  return logic?.config?.id ?? actor.id;
}

/** `running.polling` for `{ running: 'polling' }`. */
function stateName(value: unknown): string {
  if (typeof value === 'string') return value;
  return Object.entries(value as Record<string, unknown>)
    .map(([state, inner]) => `${state}.${stateName(inner)}`)
    .join(' ');
}

function idsOf(refs: readonly BlockRef[]): readonly number[] {
  return refs.map(({ id }) => id);
}

function refCount(message: { readonly type: string }): number {
  const { refs, outputs, inputs } = message as Record<string, unknown>;
  for (const carried of [refs, outputs, inputs]) if (Array.isArray(carried)) return carried.length;
  return 0;
}
