/** What a task knows. */
import type { BlockRef } from '../block.ts';
import type { Draft } from '../draft.ts';
import { noCredit, type Credit } from '../resource/ledger.ts';
import type { Step } from '../xstate.ts';
import type { TaskEvent, TaskInput } from './task.protocol.ts';

export interface TaskContext {
  readonly settings: TaskInput;
  /** Number of the task, from 0; -1 before the first. */
  readonly task: number;
  /** Inputs that are not done with, oldest first. */
  readonly inputs: readonly BlockRef[];
  readonly perPort: readonly number[];
  readonly ended: readonly boolean[];
  readonly flush: boolean;
  /** Number of the current run; the reports of any other are stale. */
  readonly run: number;
  /** Attempts at the first remaining input, the current one included. */
  readonly attempt: number;
  /** Outputs of the first remaining input that are out. */
  readonly published: number;
  /** Output credit that is not spent. */
  readonly credit: Credit;
}

export type EventOf<TType extends TaskEvent['type']> = Extract<TaskEvent, { type: TType }>;
export type TaskStep = Step<TaskContext>;

export function initialTask(settings: TaskInput): TaskContext {
  return {
    settings,
    task: -1,
    inputs: [],
    perPort: [],
    ended: [],
    flush: false,
    run: 0,
    attempt: 1,
    published: 0,
    credit: noCredit,
  };
}

/** A copy to be changed while a decision is made. */
export function draftTask(context: TaskContext): Draft<TaskContext> {
  return {
    settings: context.settings,
    task: context.task,
    inputs: context.inputs,
    perPort: context.perPort,
    ended: context.ended,
    flush: context.flush,
    run: context.run,
    attempt: context.attempt,
    published: context.published,
    credit: context.credit,
  };
}
