/** Follows the events of a simulated run: tokens, deliveries, and what rare things have happened. */
import type { RunEvent } from '../../src/index.ts';

export interface Log {
  readonly note: (event: RunEvent) => void;
  /** What was the case at least once. */
  readonly seen: Set<string>;
  /** Lineages of the blocks the consumer got. */
  readonly delivered: Set<string>;
  /** How often each token was granted, less how often it was released. */
  readonly tokens: ReadonlyMap<number, number>;
  /** How often the run came to an end. */
  readonly ends: number;
}

export function createLog(): Log {
  const seen = new Set<string>();
  const tokens = new Map<number, number>();
  const published = new Map<string, number>();
  let ends = 0;
  return {
    seen,
    delivered: new Set(),
    tokens,
    get ends() {
      return ends;
    },
    note(event) {
      switch (event.type) {
        case 'token.granted':
          tokens.set(event.token, (tokens.get(event.token) ?? 0) + 1);
          break;
        case 'token.released':
          tokens.set(event.token, (tokens.get(event.token) ?? 0) - 1);
          break;
        case 'token.denied':
          seen.add(event.limit === 'calls' ? 'rate denied' : `denied ${event.limit}`);
          break;
        case 'block.produced':
          published.set(`${event.operator} ${String(event.task)}`, 1);
          break;
        case 'task.retried':
          seen.add('retried');
          if (published.has(`${event.operator} ${String(event.task)}`))
            seen.add('retried after a yield');
          if (event.error.includes('worker is gone')) seen.add('worker lost');
          if (event.error.includes('timeout')) seen.add('timed out');
          break;
        case 'block.dropped':
          seen.add('block given up');
          break;
        case 'task.ended':
          seen.add(`task ${event.outcome}`);
          break;
        case 'message':
          if (event.message === 'operator.stop') seen.add('stopped early');
          if (event.message === 'task.returned') seen.add('credit came too late');
          if (event.message === 'resource.refilled') seen.add('refilled');
          break;
        case 'state.entered':
          if (event.actor === 'simulated' && ['done', 'failed', 'cancelled'].includes(event.state))
            ends += 1;
          if (event.state === 'retrying') seen.add('waits to retry');
          break;
        default:
          break;
      }
    },
  };
}
