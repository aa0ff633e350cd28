/**
 * The task chart: one run of an operator's transform over one bundle of input blocks, with its
 * attempts. An operator holds a fixed pool of these actors; each goes back to `idle` and is used
 * again, because a spawned actor costs four times what a reused one does.
 */
import { setup } from 'xstate';
import { react } from '../xstate.ts';
import { initialTask, type TaskContext } from './task.context.ts';
import {
  acceptReport,
  beginTask,
  cancelRun,
  cancelRetry,
  discardLate,
  discardStale,
  dropInput,
  dropLastInput,
  failTask,
  finishRun,
  forwardCredit,
  keepCredit,
  mayRetry,
  repeatRun,
  returnCredit,
  settleCancelled,
  settleDone,
  waitToRetry,
} from './task.runs.ts';
import type { TaskEvent, TaskInput } from './task.protocol.ts';

/** What can happen to a run at any moment, whether it is yielding or waiting for credit. */
const whileRunning = {
  'run.end': [
    { guard: 'isStale', actions: 'discardStale' },
    { actions: 'settleDone', target: 'done' },
  ],
  'run.error': [
    { guard: 'isStale', actions: 'discardStale' },
    { guard: 'mayRetry', actions: 'waitToRetry', target: 'retrying' },
    { guard: 'mayDropAndGoOn', actions: 'dropInput', target: 'starting' },
    { guard: 'mayDrop', actions: 'dropLastInput', target: 'done' },
    { actions: 'failTask', target: 'failed' },
  ],
  'task.finish': { actions: 'finishRun' },
  'task.cancel': { actions: 'cancelRun', target: 'cancelled' },
} as const;

const progress = [
  { guard: 'isStale', actions: 'discardStale' },
  { guard: 'isHeld', actions: 'acceptReport', target: 'holding' },
  { actions: 'acceptReport', target: 'streaming' },
] as const;

export const taskMachine = setup({
  types: {
    context: {} as TaskContext,
    events: {} as TaskEvent,
    input: {} as TaskInput,
  },
  actions: {
    acceptReport: react(acceptReport),
    beginTask: react(beginTask),
    cancelRetry: react(cancelRetry),
    cancelRun: react(cancelRun),
    discardLate: react(discardLate),
    discardStale: react(discardStale),
    dropInput: react(dropInput),
    dropLastInput: react(dropLastInput),
    failTask: react(failTask),
    finishRun: react(finishRun),
    forwardCredit: react(forwardCredit),
    keepCredit: react(keepCredit),
    repeatRun: react(repeatRun),
    returnCredit: react(returnCredit),
    settleCancelled: react(settleCancelled),
    settleDone: react(settleDone),
    waitToRetry: react(waitToRetry),
  },
  guards: {
    isStale: ({ context, event }) => 'run' in event && event.run !== context.run,
    isHeld: ({ event }) => event.type === 'run.progress' && event.held !== undefined,
    mayRetry: ({ context, event }) => event.type === 'run.error' && mayRetry(context, event),
    mayDrop: ({ context, event }) =>
      event.type === 'run.error' &&
      context.settings.onError !== 'fail' &&
      context.inputs.length > event.consumed,
    mayDropAndGoOn: ({ context, event }) =>
      event.type === 'run.error' &&
      context.settings.onError !== 'fail' &&
      context.inputs.length > event.consumed + 1,
  },
}).createMachine({
  id: 'task',
  description: "Runs an operator's transform over one bundle of input blocks.",
  context: ({ input }) => initialTask(input),
  on: {
    // Where no run is under way, whatever a run still says is stale.
    'run.progress': { actions: 'discardStale' },
    'run.end': { actions: 'discardStale' },
    'run.error': { actions: 'discardStale' },
  },
  initial: 'idle',
  states: {
    idle: {
      description: 'Free for the next task.',
      on: {
        'task.start': { actions: 'beginTask', target: 'starting' },
        'task.credit': { actions: 'returnCredit' },
      },
    },
    starting: {
      description: 'The runner has the job; nothing has come back yet.',
      on: {
        'run.progress': progress,
        'task.credit': { actions: 'forwardCredit' },
        ...whileRunning,
      },
    },
    streaming: {
      description: 'Outputs are coming.',
      on: {
        'run.progress': progress,
        'task.credit': { actions: 'forwardCredit' },
        ...whileRunning,
      },
    },
    holding: {
      description: 'Could yield, but has no output credit.',
      on: {
        'run.progress': progress,
        'task.credit': { actions: 'forwardCredit', target: 'streaming' },
        ...whileRunning,
      },
    },
    retrying: {
      description: 'An attempt failed; the next one waits for its time.',
      on: {
        'task.retry': { actions: 'repeatRun', target: 'starting' },
        'task.credit': { actions: 'keepCredit' },
        'task.cancel': { actions: 'cancelRetry', target: 'idle' },
      },
    },
    cancelled: {
      description: 'Told to end. The token comes back at the real end, not before.',
      on: {
        'task.credit': { actions: 'keepCredit' },
        'run.progress': [{ guard: 'isStale', actions: 'discardStale' }, { actions: 'discardLate' }],
        'run.end': [
          { guard: 'isStale', actions: 'discardStale' },
          { actions: 'settleCancelled', target: 'idle' },
        ],
        'run.error': [
          { guard: 'isStale', actions: 'discardStale' },
          { actions: 'settleCancelled', target: 'idle' },
        ],
      },
    },
    done: { description: 'All inputs are done with.', always: 'idle' },
    failed: { description: 'Attempts are used up.', always: 'idle' },
  },
});
