'use client';
/** Hooks that follow a run. A run changes thousands of times a second: they look once a frame. */
import { createActorContext, shallowEqual, useSelector } from '@xstate/react';
import { useMemo } from 'react';
import type { Actor, Observer, Subscription } from 'xstate';
import type { Flow } from '../flow.ts';
import { selectRun, type PipelineLogic, type PipelineSnapshot } from '../logic.ts';
import type { Run } from '../run.ts';
import type { OperatorSnapshot, RunSnapshot } from '../snapshot.ts';

type Followed = Pick<Actor<PipelineLogic<unknown>>, 'subscribe' | 'getSnapshot'>;

/**
 * What a selector finds in the snapshot of a run; rendered again when that has changed.
 * `run` is a run, or an actor made from `flow.logic`.
 */
export function useRun<T, S>(
  run: Run<T> | Actor<PipelineLogic<T>>,
  selector: (snapshot: RunSnapshot) => S,
  isEqual: (a: S, b: S) => boolean = shallowEqual,
): S {
  const actor = 'actor' in run ? run.actor : run;
  const followed = useMemo(() => onceAFrame(actor as unknown as Followed), [actor]);
  return useSelector(
    followed,
    (snapshot: PipelineSnapshot) => selector(selectRun(snapshot)),
    isEqual,
  );
}

/** What one operator holds and does; undefined when the run has none of that name. */
export function useOperator<T>(
  run: Run<T> | Actor<PipelineLogic<T>>,
  name: string,
): OperatorSnapshot | undefined {
  return useRun(run, ({ operators }) => operators[name]);
}

export interface PipelineContext<T> {
  /** Starts the pipeline for everything below it; `options.input` is what `flow.start` takes. */
  readonly Provider: ReturnType<typeof createActorContext<PipelineLogic<T>>>['Provider'];
  readonly useActorRef: () => Actor<PipelineLogic<T>>;
  /** What a selector finds in the snapshot of the run. */
  readonly useRun: <S>(selector: (snapshot: RunSnapshot) => S) => S;
}

/** A context that runs a flow: as `createActorContext` of `@xstate/react`, with the run's own snapshot. */
export function createPipelineContext<T>(flow: Pick<Flow<T>, 'logic'>): PipelineContext<T> {
  const { Provider, useActorRef } = createActorContext(flow.logic);
  return {
    Provider,
    useActorRef,
    useRun: (selector) => useRun(useActorRef(), selector),
  };
}

/** The same actor, whose subscribers are called at most once a frame. */
function onceAFrame(actor: Followed): Followed {
  const subscribe = (
    observer: Observer<PipelineSnapshot> | ((snapshot: PipelineSnapshot) => void),
  ): Subscription => {
    const next = typeof observer === 'function' ? observer : observer.next?.bind(observer);
    let frame: number | undefined;
    const tell = (): void => {
      frame = undefined;
      next?.(actor.getSnapshot());
    };
    const soon = (): void => {
      frame ??= requestAnimationFrame(tell);
    };
    const subscription = actor.subscribe({ next: soon, error: soon, complete: soon });
    return {
      unsubscribe() {
        if (frame !== undefined) cancelAnimationFrame(frame);
        subscription.unsubscribe();
      },
    };
  };
  return { subscribe: subscribe as Followed['subscribe'], getSnapshot: () => actor.getSnapshot() };
}
