/** The clock: gives the supervisor its cycles and wakes actors later, all from the run's `Env`. */
import type { ClockEvent } from '../machines/hands.protocol.ts';
import type { Env } from './env.ts';

export interface Clock {
  readonly receive: (event: ClockEvent) => void;
  /** Cancels every alarm. */
  readonly close: () => void;
}

export function createClock(env: Env): Clock {
  const alarms = new Map<string, () => void>();
  let closed = false;

  function cancel(key: string): void {
    alarms.get(key)?.();
    alarms.delete(key);
  }

  return {
    receive(event) {
      switch (event.type) {
        case 'clock.cycle':
          // Two macrotasks: what the last cycle started has reported by then, so one cycle serves it all.
          env.defer(() => {
            env.defer(() => {
              if (!closed) event.replyTo.send({ type: 'cycle', now: env.now() });
            });
          });
          break;
        case 'clock.wake': {
          const { key, delay, replyTo } = event;
          cancel(key);
          const ring = (): void => {
            alarms.delete(key);
            replyTo.send(event.event as never);
          };
          alarms.set(key, env.setTimer(delay, ring));
          break;
        }
        case 'clock.cancel':
          cancel(event.key);
          break;
      }
    },
    close() {
      closed = true;
      for (const stop of alarms.values()) stop();
      alarms.clear();
    },
  };
}
