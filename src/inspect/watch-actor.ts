/** XState actors that are no pipeline, as something to watch. */
import type { AnyActorRef } from 'xstate';
import type { Env } from '../../actors/env.ts';
import { createTranslator } from '../../actors/run-events.ts';
import { describe } from '../../machines/errors.ts';
import type { RunEvent, RunEventBody } from '../../machines/run-event.ts';
import { valueOf } from './actor-values.ts';
import type { Watched } from './recorder.ts';

/** Watches an actor and all below it, from now on. */
export function watchActor(actor: AnyActorRef, env: Env): Watched {
  const startedAt = env.now();
  const numbering = new Set<(event: RunEventBody) => number>();
  return {
    name: actor.id,
    kind: 'actor',
    env,
    startedAt,
    value: (path, options) => valueOf(actor, path, options),
    controls: undefined,
    note(event) {
      for (const emit of numbering) emit(event);
    },
    listen(listener) {
      let seq = 0;
      const emit = (event: RunEventBody): number => {
        const numbered: RunEvent = { ...event, seq: seq++, at: env.now() - startedAt };
        listener(numbered);
        return numbered.seq;
      };
      const translator = createTranslator(undefined, emit);
      translator.introduce(actor);
      numbering.add(emit);
      const inspection = actor.system.inspect({ next: translator.inspect });
      const lifetime = actor.subscribe({
        complete: () => {
          emit({ type: 'run.ended', status: 'done' });
        },
        error: (error) => {
          emit({ type: 'run.ended', status: 'failed', failure: { error: describe(error) } });
        },
      });
      return () => {
        numbering.delete(emit);
        inspection.unsubscribe();
        lifetime.unsubscribe();
      };
    },
  };
}
