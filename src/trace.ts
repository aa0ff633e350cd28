/** The events of a run, for whoever listens. */
import { Observable } from 'rxjs';
import type { AnyActorRef } from 'xstate';
import { createTranslator } from '../actors/run-events.ts';
import type { World } from '../actors/world.ts';
import { describe, TaskError } from '../machines/errors.ts';
import type { Plan } from '../machines/plan.ts';
import type { RunEvent, RunEventBody } from '../machines/run-event.ts';
import type { RunReport } from '../machines/supervisor/run-report.ts';

interface TracedRun {
  readonly plan: Plan;
  readonly world: World;
  readonly startedAt: number;
}

/** The events of a run as an observable: XState is inspected only while somebody listens. */
export function createTrace(
  actor: AnyActorRef,
  { plan, world, startedAt }: TracedRun,
  notes: Set<(event: RunEventBody) => unknown>,
): Observable<RunEvent> {
  const { env, store } = world;
  return new Observable((subscriber) => {
    let seq = 0;
    let freed: number[] = [];
    const number = (event: RunEventBody): number => {
      const numbered = { ...event, seq: seq++, at: env.now() - startedAt };
      subscriber.next(numbered);
      return numbered.seq;
    };
    // Blocks go one by one; what has gone since the last event is told before the next one.
    const emit = (event: RunEventBody): number => {
      if (freed.length > 0) {
        const blocks = freed;
        freed = [];
        number({ type: 'blocks.released', blocks });
      }
      return number(event);
    };
    const translator = createTranslator({ plan, startedAt }, emit);
    translator.introduce(actor);
    notes.add(emit);
    const unwatch = store.watchFreed((id) => {
      freed.push(id);
    });
    const inspection = actor.system.inspect({ next: translator.inspect });
    const end = (error?: unknown): void => {
      emit(endEvent(actor, error));
      subscriber.complete();
    };
    const lifetime = actor.subscribe({
      complete: () => {
        end();
      },
      error: end,
    });
    return () => {
      notes.delete(emit);
      unwatch();
      inspection.unsubscribe();
      lifetime.unsubscribe();
    };
  });
}

/** How the run ended: its last event. */
function endEvent(actor: AnyActorRef, error: unknown): RunEventBody {
  if (error !== undefined) {
    if (!(error instanceof TaskError)) {
      return { type: 'run.ended', status: 'failed', failure: { error: describe(error) } };
    }
    const { operator, lineage, attempt, cause } = error;
    const failure = { operator, lineage, attempt, error: describe(cause) };
    return { type: 'run.ended', status: 'failed', failure };
  }
  const { output } = actor.getSnapshot() as { output?: RunReport };
  if (output?.status === 'done') return { type: 'run.ended', status: 'done' };
  const reason = output === undefined ? 'its actor was stopped' : describe(output.reason);
  return { type: 'run.ended', status: 'cancelled', reason };
}
