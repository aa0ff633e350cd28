/**
 * Makes run events of what XState's inspection shows of a run, or of any other actors. Attached only
 * while somebody listens: otherwise it costs nothing. What is recorded is read at the moment it happens
 * and holds no actor.
 */
import type { AnyActorRef, InspectionEvent } from 'xstate';
import { describeMachine, transitionId } from '../machines/machine-definition.ts';
import type { OperatorContext } from '../machines/operator/operator.context.ts';
import { operatorMachine } from '../machines/operator/operator.machine.ts';
import { budgetInfo, planInfo } from '../machines/plan-info.ts';
import type { Plan } from '../machines/plan.ts';
import type { ResourceContext } from '../machines/resource/resource.machine.ts';
import { resourceMachine } from '../machines/resource/resource.machine.ts';
import type { RunEventBody } from '../machines/run-event.ts';
import { staffId } from '../machines/supervisor/staff-id.ts';
import type { SupervisorContext } from '../machines/supervisor/supervisor.context.ts';
import { supervisorMachine } from '../machines/supervisor/supervisor.machine.ts';
import type { TaskContext } from '../machines/task/task.context.ts';
import { handThatSends, isAnswer, refCount, translateMessage } from './message-events.ts';
import { tellOperator, tellResource, tellSupervisor } from './operator-figures.ts';

interface Translator {
  readonly inspect: (event: InspectionEvent) => void;
  /** Tells of an actor that is there already, and of all below it. */
  readonly introduce: (root: AnyActorRef) => void;
}

/** What the actors are the run of. */
export interface TranslatedRun {
  readonly plan: Plan;
  /** When the run began, on its clock. */
  readonly startedAt: number;
}

interface AnySnapshot {
  readonly value?: unknown;
  readonly context?: unknown;
  readonly children?: Readonly<Record<string, AnyActorRef>>;
}

interface Origin {
  readonly from: string | undefined;
  readonly cause: number | undefined;
}

/**
 * Translates inspection events into run events. `emit` returns the number of the event in the stream.
 * Without a run, only what is true of any actors is told: who there is, states, messages.
 */
export function createTranslator(
  run: TranslatedRun | undefined,
  emit: (event: RunEventBody) => number,
): Translator {
  const paths = new WeakMap<AnyActorRef, string>();
  const states = new WeakMap<AnyActorRef, string>();
  const contexts = new WeakMap<AnyActorRef, unknown>();
  /** Numbers of the messages an actor has been sent and is not through with; it is at the first. */
  const pending = new WeakMap<AnyActorRef, number[]>();
  /** The last message each actor has sent to each of the hands, by the hand's id. */
  const asked = new WeakMap<AnyActorRef, Map<string, number>>();
  /** Names of statecharts that have been told. */
  const machines = new Map<object, string>();
  const operatorNames = run?.plan.operators.map(({ name }) => name) ?? [];

  /** Where an actor is in the tree: ids from the root down, with slashes between them. */
  function pathOf(actor: AnyActorRef): string {
    let path = paths.get(actor);
    if (path === undefined) {
      const parent = (actor as { _parent?: AnyActorRef })._parent;
      const id = escapeId(actor.id);
      path = parent === undefined ? id : `${pathOf(parent)}/${id}`;
      paths.set(actor, path);
    }
    return path;
  }

  function rootOf(actor: AnyActorRef): string {
    const [root = ''] = pathOf(actor).split('/');
    return root;
  }

  function machineOf(actor: AnyActorRef): string {
    const { config, root } = logicOf(actor);
    // Callbacks, promises and observables are no charts: several may share one.
    if (config === undefined || root === undefined) return actor.id;
    const known = machines.get(config);
    if (known !== undefined) return known;
    const definition = describeMachine(logicOf(actor));
    const wanted = config.id ?? definition?.id ?? actor.id;
    const taken = new Set(machines.values());
    let name = wanted;
    for (let number = 2; taken.has(name); number++) name = `${wanted}#${String(number)}`;
    machines.set(config, name);
    if (definition !== undefined) emit({ type: 'machine.defined', machine: name, definition });
    return name;
  }

  function introduce(root: AnyActorRef): void {
    if (run !== undefined) {
      const { budget } = (root.getSnapshot() as { context: SupervisorContext }).context;
      emit({ type: 'run.started', plan: planInfo(run.plan), budget: budgetInfo(budget) });
    }
    introduceActor(root);
  }

  function introduceActor(actor: AnyActorRef): void {
    emit({ type: 'actor.started', machine: machineOf(actor), actor: pathOf(actor) });
    const snapshot = actor.getSnapshot() as AnySnapshot | undefined;
    noteSnapshot(actor, snapshot);
    for (const child of Object.values(snapshot?.children ?? {})) introduceActor(child);
    if (isChart(actor, operatorMachine)) introduceTasks(snapshot);
  }

  /** Tasks that are under way already: with the inputs they have left, as if they began now. */
  function introduceTasks(snapshot: AnySnapshot | undefined): void {
    const { slots, plan } = snapshot?.context as OperatorContext;
    slots.forEach((running, slot) => {
      const actor = snapshot?.children?.[`task${String(slot)}`];
      if (running === undefined || actor === undefined) return;
      const { inputs, attempt } = (actor.getSnapshot() as { context: TaskContext }).context;
      const { task } = running;
      emit({ type: 'task.started', operator: plan.name, task, slot, attempt, inputs });
    });
  }

  function noteSnapshot(
    actor: AnyActorRef,
    snapshot: AnySnapshot | undefined,
    trigger?: { readonly event: string; readonly transitions: readonly string[] },
  ): void {
    if (snapshot?.value !== undefined) {
      const state = stateName(snapshot.value);
      if (state !== '' && states.get(actor) !== state) {
        states.set(actor, state);
        emit({ type: 'state.entered', actor: pathOf(actor), state, ...trigger });
      }
    }
    if (run === undefined || snapshot?.context === undefined) return;
    const { context } = snapshot;
    const before = contexts.get(actor);
    if (before === context) return;
    contexts.set(actor, context);
    if (isChart(actor, operatorMachine)) {
      tellOperator(
        before as OperatorContext | undefined,
        context as OperatorContext,
        run.startedAt,
        emit,
      );
    } else if (isChart(actor, supervisorMachine)) {
      tellSupervisor(before as SupervisorContext | undefined, context as SupervisorContext, emit);
    } else if (isChart(actor, resourceMachine)) {
      tellResource(before as ResourceContext | undefined, context as ResourceContext, emit);
    }
  }

  function senderOf(source: AnyActorRef): Origin {
    return { from: pathOf(source), cause: pending.get(source)?.[0] };
  }

  /** Hands answer without saying who they are, often later: what they were asked led to it. */
  function originOf(receiver: AnyActorRef, message: string): Origin {
    const hand = handThatSends(message);
    if (run === undefined || hand === undefined) return { from: undefined, cause: undefined };
    const id = staffId(hand, run.plan);
    const cause = isAnswer(message) ? asked.get(receiver)?.get(id) : undefined;
    return { from: `${rootOf(receiver)}/${id}`, cause };
  }

  function noteAsked(source: AnyActorRef, hand: AnyActorRef, seq: number): void {
    const known = asked.get(source);
    if (known === undefined) asked.set(source, new Map([[hand.id, seq]]));
    else known.set(hand.id, seq);
  }

  function noteMessage(event: Extract<InspectionEvent, { type: '@xstate.event' }>): void {
    const { event: message } = event;
    if (message.type === 'xstate.init') return;
    const actor = event.actorRef as AnyActorRef;
    const source = event.sourceRef as AnyActorRef | undefined;
    const { from, cause } = source === undefined ? originOf(actor, message.type) : senderOf(source);
    const seq = emit({
      type: 'message',
      from,
      to: pathOf(actor),
      message: message.type,
      refs: refCount(message),
      ...(cause === undefined ? {} : { cause }),
    });
    const waiting = pending.get(actor);
    if (waiting === undefined) pending.set(actor, [seq]);
    else waiting.push(seq);
    if (run !== undefined) {
      if (source !== undefined) noteAsked(source, actor, seq);
      translateMessage(message, { receiver: actor.id, sender: source?.id, operatorNames }, emit);
    }
  }

  return {
    introduce,
    inspect(event) {
      const actor = event.actorRef as AnyActorRef;
      switch (event.type) {
        case '@xstate.actor':
          emit({ type: 'actor.started', machine: machineOf(actor), actor: pathOf(actor) });
          break;
        case '@xstate.event':
          noteMessage(event);
          break;
        case '@xstate.microstep': {
          const { _transitions: taken } = event;
          const transitions = taken.map(transitionId);
          noteSnapshot(actor, event.snapshot as AnySnapshot, {
            event: event.event.type,
            transitions,
          });
          break;
        }
        case '@xstate.snapshot':
          noteSnapshot(actor, event.snapshot as AnySnapshot);
          if (event.event.type === 'xstate.stop') {
            emit({ type: 'actor.stopped', actor: pathOf(actor) });
          } else if (event.event.type !== 'xstate.init') {
            pending.get(actor)?.shift();
          }
          break;
        default:
          break;
      }
    },
  };
}

interface Logic {
  readonly config?: { readonly id?: string };
  /** Statecharts have one. */
  readonly root?: unknown;
}

function logicOf(actor: AnyActorRef): Logic {
  return (actor as { logic?: Logic }).logic ?? {};
}

/** Whether an actor runs one of our charts, with whatever hands. */
function isChart(actor: AnyActorRef, chart: { readonly config: unknown }): boolean {
  return logicOf(actor).config === chart.config;
}

/** An id as a part of a path. */
export function escapeId(id: string): string {
  return /[%/]/.test(id) ? id.replaceAll('%', '%25').replaceAll('/', '%2F') : id;
}

/** `running.polling` for `{ running: 'polling' }`. */
export function stateName(value: unknown): string {
  if (typeof value === 'string') return value;
  return Object.entries(value as Record<string, unknown>)
    .map(([state, inner]) => {
      const below = stateName(inner);
      return below
        .split(' ')
        .map((name) => (name === '' ? state : `${state}.${name}`))
        .join(' ');
    })
    .join(' ');
}
