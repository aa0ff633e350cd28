/**
 * What must hold of the messages between the actors of a run, whatever its state: read from XState's own
 * inspection as they are delivered. The letters are those of docs/reliability.md.
 */
import type { AnyActorRef, InspectionEvent } from 'xstate';
import type { RunnerEvent } from '../../machines/hands.protocol.ts';
import { fromMilli } from '../../machines/amounts.ts';
import {
  activeTasks,
  holdingTasks,
  type OperatorContext,
} from '../../machines/operator/operator.context.ts';
import type { OperatorEvent } from '../../machines/operator/operator.protocol.ts';
import type { ResourceReply } from '../../machines/resource/resource.protocol.ts';
import type { SupervisorContext } from '../../machines/supervisor/supervisor.context.ts';

type Message = OperatorEvent | ResourceReply | RunnerEvent;

/** What is known of an operator before the run. */
export interface OperatorFacts {
  readonly atomic: boolean;
  readonly retries: number;
}

export interface Protocol {
  /** Takes an event of XState's inspection. Never throws. */
  readonly inspect: (event: InspectionEvent) => void;
  /** Throws an error that names the first thing that was wrong. */
  readonly check: () => void;
  readonly seen: Set<string>;
  /** Tokens that the liveness rule has granted over budget. */
  readonly forced: ReadonlySet<number>;
  /** Tasks that failed for good. */
  readonly failed: ReadonlySet<string>;
}

export function watchProtocol(
  facts: ReadonlyMap<string, OperatorFacts>,
  rate: { readonly perSecond: number; readonly burst: number },
): Protocol {
  const seen = new Set<string>();
  const overBudget = new Set<number>();
  const failed = new Set<string>();
  const portsDone = new Set<string>();
  const settled = new Set<string>();
  const produced = new Set<string>();
  let calls = 0;
  let broken: Error | undefined;

  function fail(invariant: string, what: string): void {
    broken ??= new Error(`${invariant}: ${what}`);
  }

  /** A task has reported to its operator. */
  function checkTask(
    event: Extract<OperatorEvent, { type: 'task.progress' | 'task.settled' }>,
    operator: string,
  ): void {
    const task = `${operator} #${String(event.task)}`;
    if (settled.has(task)) fail('S11', `${task} says something after its end`);
    for (const { lineage } of event.outputs) {
      const block = `${operator} ${lineage}`;
      if (produced.has(block)) fail('S7', `${operator} has yielded ${lineage} twice`);
      produced.add(block);
    }
    if (event.type === 'task.settled') {
      settled.add(task);
      if (event.failure !== undefined) failed.add(task);
      return;
    }
    const { retried } = event;
    if (retried === undefined) return;
    const { atomic, retries } = facts.get(operator) ?? { atomic: false, retries: 0 };
    if (retried.attempt > retries) {
      fail('S12', `${task} is tried again after attempt ${String(retried.attempt)}`);
    }
    if (atomic && produced.has(`${operator} ${retried.lineage}.0`)) {
      fail('S7', `${task} has published a part of ${retried.lineage}`);
    }
  }

  function checkMessage(message: Message, receiver: AnyActorRef): void {
    switch (message.type) {
      case 'operator.inputsDone': {
        const port = `${receiver.id}:${String(message.port)}`;
        if (portsDone.has(port)) fail('L3', `${port} is told twice that its input is over`);
        portsDone.add(port);
        break;
      }
      case 'operator.input':
        if (portsDone.has(`${receiver.id}:${String(message.port)}`)) {
          fail('L3', `${receiver.id} gets a block after the last one`);
        }
        break;
      case 'resource.decision':
        checkForced(message, receiver);
        checkRate(message, receiver);
        break;
      case 'runner.run':
        if (isDraining(supervisorOf(receiver))) {
          fail('L4', 'an attempt starts although the run is ending');
        }
        break;
      case 'task.progress':
      case 'task.settled':
        checkTask(message, receiver.id);
        break;
      case 'task.returned':
        seen.add('credit came too late');
        break;
      default:
        break;
    }
  }

  /** The liveness rule: one task or one block of credit, and only when nothing runs. */
  function checkForced(
    { grants }: Extract<ResourceReply, { type: 'resource.decision' }>,
    supervisor: AnyActorRef,
  ): void {
    const forced = grants.filter((grant) => grant.forced);
    if (forced.length === 0) return;
    const { context } = supervisor.getSnapshot() as { context: SupervisorContext };
    seen.add('liveness grant');
    for (const { token } of forced) if (token !== undefined) overBudget.add(token);
    if (forced.length > 1) fail('L1', `${String(forced.length)} grants over budget at once`);
    for (const operator of context.staff.operators) {
      const { context: own } = operator.getSnapshot() as unknown as { context: OperatorContext };
      if (activeTasks(own) > holdingTasks(own)) {
        fail('L1', `a grant over budget although ${operator.id} runs`);
      }
    }
  }

  /** No more is taken of a rate than its burst and what has refilled since. */
  function checkRate(
    { grants }: Extract<ResourceReply, { type: 'resource.decision' }>,
    supervisor: AnyActorRef,
  ): void {
    const { context } = supervisor.getSnapshot() as { context: SupervisorContext };
    for (const { holder, token } of grants) {
      const needed = context.plan.operators[holder]?.needs['calls'] ?? 0;
      if (token !== undefined) calls += fromMilli(needed);
    }
    const most = rate.burst + (rate.perSecond * context.now) / 1000;
    if (calls > most) fail('S1', `${String(calls)} calls, of ${String(most)}`);
  }

  return {
    seen,
    forced: overBudget,
    failed,
    inspect(event) {
      if (event.type !== '@xstate.event') return;
      checkMessage(event.event as Message, event.actorRef as AnyActorRef);
    },
    check() {
      if (broken !== undefined) throw broken;
    },
  };
}

function supervisorOf(actor: AnyActorRef): AnyActorRef {
  const parent = (actor as { _parent?: AnyActorRef })._parent;
  return parent === undefined ? actor : supervisorOf(parent);
}

function isDraining(supervisor: AnyActorRef): boolean {
  return (supervisor.getSnapshot() as { value: unknown }).value === 'draining';
}
