/** Run events in one line each, and the groups they are filtered by. */
import type { RunEvent } from '../../../../machines/run-event.ts';
import { bytes, count, duration, plain } from './format.ts';

export const GROUPS = {
  tasks: ['task.started', 'task.retried', 'task.ended', 'task.held', 'task.fed', 'dispatched'],
  blocks: ['block.produced', 'block.dropped', 'blocks.moved', 'blocks.released'],
  limits: [
    'token.granted',
    'token.denied',
    'token.released',
    'operator.denied',
    'operator.freed',
    'resources.changed',
    'budget.changed',
  ],
  messages: ['message'],
  states: ['state.entered', 'actor.started', 'actor.stopped', 'machine.defined'],
  operators: ['operator.changed', 'operator.doing'],
  run: ['run.started', 'run.ended', 'cycle', 'consumer.changed', 'breakpoint.hit'],
  notes: ['log', 'progress'],
} as const satisfies Readonly<Record<string, readonly RunEvent['type'][]>>;

export type Group = keyof typeof GROUPS;

/** Who or what an event is about. */
export function subjectOf(event: RunEvent): string {
  if ('operator' in event) return event.operator;
  if ('actor' in event) return event.actor;
  if ('to' in event) return event.to;
  return '';
}

/** What an event says, besides its type and subject. */
export function eventInWords(event: RunEvent): string {
  return plain(say(event), 300);
}

function say(event: RunEvent): string {
  switch (event.type) {
    case 'run.started':
      return `${event.plan.name}: ${count(event.plan.operators.length)} operators`;
    case 'run.ended':
      return `${event.status}${event.reason === undefined ? '' : `: ${event.reason}`}${event.failure === undefined ? '' : `: ${event.failure.error}`}`;
    case 'machine.defined':
      return event.machine;
    case 'actor.started':
      return event.machine;
    case 'actor.stopped':
      return '';
    case 'message':
      return `${event.message} from ${event.from ?? 'outside'}${event.refs > 0 ? `, ${count(event.refs)} refs` : ''}`;
    case 'state.entered':
      return `${event.state}${event.event === undefined ? '' : ` because of ${event.event}`}`;
    case 'cycle':
      return `cycle ${count(event.cycle)}`;
    case 'operator.changed': {
      const { figures } = event;
      return `in ${figures.in.map(count).join('+')}, active ${count(figures.active)}, out ${count(figures.out)}, done ${count(figures.done)}`;
    }
    case 'operator.doing':
      return event.doing;
    case 'operator.denied':
      return `${event.denial.limit}: asks for ${count(event.denial.asked)}, ${count(event.denial.free)} free`;
    case 'operator.freed':
      return 'nothing holds it up any more';
    case 'resources.changed':
      return Object.entries(event.used)
        .map(([name, used]) => `${name} ${count(used)}`)
        .join(', ');
    case 'budget.changed':
      return `blockBytes ${bytes(event.budget.blockBytes)}`;
    case 'consumer.changed':
      return `holds ${count(event.held)}, would take ${count(event.demand)}${event.waits ? ', waits' : ''}`;
    case 'token.granted':
    case 'token.released':
      return `token ${String(event.token)}`;
    case 'token.denied':
      return `${event.limit}: asks for ${count(event.asked)}, ${count(event.free)} free`;
    case 'dispatched':
      return `${count(event.tasks)} tasks`;
    case 'task.started':
      return `#${String(event.task)} attempt ${String(event.attempt)} on ${event.inputs.map(({ lineage }) => lineage).join(', ')}`;
    case 'task.held':
      return `#${String(event.task)} waits for ${count(event.blocks)} blocks, ${bytes(event.bytes)}`;
    case 'task.fed':
      return `#${String(event.task)} got ${count(event.blocks)} blocks, ${bytes(event.bytes)}`;
    case 'task.retried':
      return `#${String(event.task)} attempt ${String(event.attempt)} on ${event.lineage} failed, again in ${duration(event.delayMs)}: ${event.error}`;
    case 'task.ended':
      return `#${String(event.task)} ${event.outcome} after ${duration(event.busyMs)}${event.error === undefined ? '' : `: ${event.error}`}`;
    case 'block.produced':
      return `${event.block.lineage}: ${count(event.block.numRows)} rows, ${bytes(event.block.sizeBytes)}`;
    case 'block.dropped':
      return `${event.lineage} after ${String(event.attempts)} attempts: ${event.cause}`;
    case 'blocks.moved':
      return `${count(event.blocks.length)} blocks, ${count(event.rows)} rows, ${bytes(event.bytes)}`;
    case 'blocks.released':
      return `${count(event.blocks.length)} blocks`;
    case 'breakpoint.hit':
      return event.text;
    case 'log':
      return `${event.lineage}: ${event.text}`;
    case 'progress':
      return `${event.lineage}: ${String(Math.round(100 * event.fraction))} %`;
  }
}
