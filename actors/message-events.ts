/** What the messages between the actors of a run mean, as run events. */
import { bytesOf, rowsOf, type BlockRef } from '../machines/block.ts';
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
import type { StaffMember } from '../machines/supervisor/staff-id.ts';

type Message =
  | OperatorEvent
  | ResourceEvent
  | ResourceReply
  | RunnerEvent
  | RunReport
  | StoreEvent
  | OutletEvent;

/** Which of the hands sends which messages: they send them in no actor's name. */
const HANDS: Readonly<Record<string, StaffMember>> = {
  'run.progress': 'runner',
  'run.end': 'runner',
  'run.error': 'runner',
  'runner.opened': 'runner',
  'runner.refused': 'runner',
  'runner.closed': 'runner',
  'store.report': 'store',
  'store.changed': 'store',
  'outlet.report': 'outlet',
  'outlet.closed': 'outlet',
  'outlet.abandoned': 'outlet',
  'outlet.changed': 'outlet',
  'consumer.demand': 'outlet',
  cycle: 'clock',
  'task.retry': 'clock',
  'resource.refilled': 'clock',
};

/** What hands send by themselves, and not because they were asked. */
const NEWS: readonly string[] = ['store.changed', 'outlet.changed', 'consumer.demand'];

/** The hand that sends such messages. */
export function handThatSends(message: string): StaffMember | undefined {
  return HANDS[message];
}

/** Whether a message of a hand answers one that it got. */
export function isAnswer(message: string): boolean {
  return !NEWS.includes(message);
}

/** Texts of errors are cut to so many characters. */
const MAX_TEXT = 2000;

interface Delivery {
  /** Ids of the actors. */
  readonly receiver: string;
  readonly sender: string | undefined;
  /** By index in the plan. */
  readonly operatorNames: readonly string[];
}

export function translateMessage(
  event: { readonly type: string },
  delivery: Delivery,
  emit: (event: RunEventBody) => void,
): void {
  const message = event as Message;
  const { receiver } = delivery;
  const nameOf = (index: number): string => delivery.operatorNames[index] ?? String(index);
  switch (message.type) {
    case 'operator.dispatch':
      emit({ type: 'dispatched', operator: receiver, tasks: message.grants.length });
      break;
    case 'operator.credit':
      for (const { task, credit } of message.grants) {
        emit({ type: 'task.fed', operator: receiver, task, ...credit });
      }
      break;
    case 'operator.input':
      emit(moved(receiver, message.port, message.refs));
      break;
    case 'outlet.deliver':
      emit(moved('consumer', 0, message.refs));
      break;
    case 'resource.decision':
      for (const { holder, token } of message.grants) {
        if (token !== undefined) emit({ type: 'token.granted', operator: nameOf(holder), token });
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
      const slot = Number(delivery.sender?.slice('task'.length) ?? 0);
      emit({ type: 'task.started', operator: nameOf(operator), task, slot, attempt, inputs });
      break;
    }
    case 'task.progress':
    case 'task.settled':
      translateTask(message, receiver, emit);
      break;
    default:
      break;
  }
}

function translateTask(
  message: Extract<OperatorEvent, { type: 'task.progress' | 'task.settled' }>,
  operator: string,
  emit: (event: RunEventBody) => void,
): void {
  const { task, outputs, busyMs } = message;
  for (const block of outputs) emit({ type: 'block.produced', operator, task, block });
  if (message.type === 'task.settled') {
    const { outcome, failure } = message;
    const error = failure === undefined ? {} : { error: textOf(failure.error) };
    emit({ type: 'task.ended', operator, task, outcome, busyMs, ...error });
    return;
  }
  const { retried, dropped, held } = message;
  if (held !== undefined) emit({ type: 'task.held', operator, task, ...held });
  if (retried !== undefined) {
    const { lineage, attempt, delayMs } = retried;
    const error = textOf(retried.error);
    emit({ type: 'task.retried', operator, task, lineage, attempt, error, delayMs });
  }
  if (dropped !== undefined) {
    const { lineage, attempts, cause } = dropped;
    emit({ type: 'block.dropped', operator, lineage, attempts, cause: textOf(cause) });
  }
}

/** How many block refs a message carries. */
export function refCount(message: { readonly type: string }): number {
  const { refs, outputs, inputs } = message as Record<string, unknown>;
  for (const carried of [refs, outputs, inputs]) if (Array.isArray(carried)) return carried.length;
  return 0;
}

function moved(to: string, port: number, refs: readonly BlockRef[]): RunEventBody {
  const blocks = idsOf(refs);
  return { type: 'blocks.moved', to, port, blocks, rows: rowsOf(refs), bytes: bytesOf(refs) };
}

function idsOf(refs: readonly BlockRef[]): readonly number[] {
  return refs.map(({ id }) => id);
}

function textOf(error: unknown): string {
  const text = describe(error);
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text;
}
