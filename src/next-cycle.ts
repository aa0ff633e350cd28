/** Waits for a step: one more cycle of the supervisor of a run that is paused. */
import type { Actor, AnyActorRef } from 'xstate';
import type { PipelineLogic } from './logic.ts';

/** Resolves when the supervisor has gone through one more cycle and waits again, or is over. */
export function nextCycle<T>(actor: Actor<PipelineLogic<T>>): Promise<void> {
  const before = cyclesOf(actor);
  return new Promise((resolve) => {
    const subscription = actor.subscribe({
      next: ({ value }) => {
        if (value !== 'paused' || cyclesOf(actor) === before) return;
        subscription.unsubscribe();
        resolve();
      },
      complete: resolve,
      error: () => {
        resolve();
      },
    });
  });
}

function cyclesOf(actor: AnyActorRef): number {
  return (actor.getSnapshot() as { context: { cycles: number } }).context.cycles;
}
