/**
 * A pipeline as XState actor logic. It is the supervisor chart itself: each actor made from it gets a
 * world of its own, and a run that fails ends as an actor that errs, so that `onError` sees it.
 */
import type { ActorScope, AnyActorRef, Snapshot, StateValue } from 'xstate';
import type { World } from '../actors/world.ts';
import { RunError, StallError, TaskError } from '../machines/errors.ts';
import { compiled } from '../machines/compiled.ts';
import type { RunReport } from '../machines/supervisor/run-report.ts';
import { draftContext } from '../machines/supervisor/supervisor.context.ts';
import { supervisorMachine } from '../machines/supervisor/supervisor.machine.ts';
import type { RunCommand, SupervisorInput } from '../machines/supervisor/supervisor.protocol.ts';
import {
  assemble,
  PIPELINE_OPTIONS,
  type DeadLetterBlock,
  type PipelineOptions,
} from './assembly.ts';
import type { FlowNode } from './graph.ts';
import { checkNames } from './options.ts';
import { takeSnapshot, type ChartSnapshot, type RunSnapshot } from './snapshot.ts';
import { outputBlock, type OutputBlock } from './output-block.ts';

/** What an actor made from a pipeline emits. */
export type PipelineEmitted<T> =
  | { readonly type: 'block'; readonly block: OutputBlock<T> }
  | {
      readonly type: 'progress';
      readonly operator: string;
      readonly lineage: string;
      readonly fraction: number;
    }
  | { readonly type: 'log'; readonly operator: string; readonly values: readonly unknown[] }
  | { readonly type: 'dead-letter'; readonly letter: DeadLetterBlock };

/** Its snapshot: `value` is the state of the supervisor chart; see also `selectRun`. */
export type PipelineSnapshot = Snapshot<RunReport> & { readonly value: StateValue };

/**
 * XState's `ActorLogic`, written with methods: a pipeline of cats is a pipeline of animals, which the
 * type of XState, that of one kind of emitted event and no other, would not allow.
 */
export interface PipelineLogic<T> {
  readonly config?: unknown;
  transition(
    snapshot: PipelineSnapshot,
    event: RunCommand,
    scope: PipelineScope<T>,
  ): PipelineSnapshot;
  getInitialSnapshot(scope: PipelineScope<T>, input: PipelineOptions | undefined): PipelineSnapshot;
  restoreSnapshot?(persisted: Snapshot<unknown>, scope: PipelineScope<T>): PipelineSnapshot;
  start?(snapshot: PipelineSnapshot, scope: PipelineScope<T>): void;
  getPersistedSnapshot(snapshot: PipelineSnapshot, options?: unknown): Snapshot<unknown>;
}

interface PipelineScope<T> extends Omit<Scope<T>, 'emit'> {
  emit(event: PipelineEmitted<T>): void;
}

/** What can be seen of a run, given the snapshot of an actor made from a pipeline. Plain JSON. */
export function selectRun(snapshot: PipelineSnapshot): RunSnapshot {
  return takeSnapshot(snapshot as unknown as ChartSnapshot);
}

type AnyActorSystem = AnyActorRef['system'];
type Scope<T> = ActorScope<PipelineSnapshot, RunCommand, AnyActorSystem, PipelineEmitted<T>>;

/** Logic whose actors emit their blocks; a block is let go of when its listeners have returned. */
export function pipelineLogic<T>(name: string, last: FlowNode): PipelineLogic<T> {
  return supervisorLogic<T>((options = {}, scope) => {
    checkNames('input', options, PIPELINE_OPTIONS);
    const { world, input } = assemble(name, last, options, {
      onLog: ({ operator }, values) => {
        scope.emit({ type: 'log', operator, values });
      },
      onProgress: ({ operator, lineage }, fraction) => {
        scope.emit({ type: 'progress', operator, lineage, fraction });
      },
      onDeadLetter: (letter) => {
        scope.emit({ type: 'dead-letter', letter });
      },
      onCallbackError: (error) => {
        scope.emit({ type: 'log', operator: name, values: [error] });
      },
    });
    world.outlet.consume({
      kind: 'push',
      push: (ref) => {
        scope.emit({ type: 'block', block: outputBlock<T>(world.store, ref) });
      },
    });
    return { world, input };
  });
}

/** The supervisor chart, with a world that `prepare` makes for each actor. */
export function supervisorLogic<T>(
  prepare: (
    options: PipelineOptions | undefined,
    scope: Scope<T>,
  ) => { world: World; input: SupervisorInput },
): PipelineLogic<T> {
  const machine = compiled(supervisorMachine, draftContext) as unknown as PipelineLogic<T>;
  const overrides: Pick<PipelineLogic<T>, 'getInitialSnapshot' | 'transition'> = {
    getInitialSnapshot(scope, options) {
      const { world, input } = prepare(options, scope);
      const dispose = (): void => {
        void world.dispose(new Error('the actor was stopped'));
      };
      scope.self.subscribe({ complete: dispose, error: dispose });
      return world.machine.getInitialSnapshot(scope as never, input);
    },
    transition(snapshot, event, scope) {
      return failedAsError(machine.transition(snapshot, event, scope));
    },
  };
  // The chart stays visible to whoever inspects the logic.
  return Object.assign(Object.create(machine) as PipelineLogic<T>, overrides);
}

function failedAsError(snapshot: PipelineSnapshot): PipelineSnapshot {
  if (snapshot.status !== 'done' || snapshot.output.failure === undefined) return snapshot;
  const { error: cause, ...where } = snapshot.output.failure;
  // What concerns the run as a whole is no operator's fault.
  const isRunError = cause instanceof StallError || cause instanceof RunError;
  const error = isRunError ? cause : new TaskError(where, cause);
  return { ...snapshot, status: 'error', output: undefined, error };
}
