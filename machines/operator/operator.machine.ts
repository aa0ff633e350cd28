/**
 * The operator chart: queues in front and behind, and a pool of task actors between them. Its state
 * says what it is doing; it follows from what the operator holds after each message.
 */
import { setup } from 'xstate';
import { taskMachine } from '../task/task.machine.ts';
import { react } from '../xstate.ts';
import {
  activeTasks,
  hasPendingInput,
  holdingTasks,
  initialOperator,
  isEnding,
  isInputOver,
  isOver,
  wantsFlush,
  type OperatorContext,
} from './operator.context.ts';
import type { OperatorEvent, OperatorInput } from './operator.protocol.ts';
import {
  acceptProgress,
  acceptReturned,
  acceptSettled,
  cancelAll,
  feedTasks,
  finishReading,
  startTasks,
  stopEarly,
} from './operator.tasks.ts';
import { addInput, answerPoll, keepDenial, markInputsDone, resize } from './operator.view.ts';

export const operatorMachine = setup({
  types: {
    context: {} as OperatorContext,
    events: {} as OperatorEvent,
    input: {} as OperatorInput,
  },
  actors: { task: taskMachine },
  actions: {
    acceptProgress: react(acceptProgress),
    acceptReturned: react(acceptReturned),
    acceptSettled: react(acceptSettled),
    addInput: react(addInput),
    answerPoll: react(answerPoll),
    cancelAll: react(cancelAll),
    feedTasks: react(feedTasks),
    finishReading: react(finishReading),
    keepDenial: react(keepDenial),
    markInputsDone: react(markInputsDone),
    resize: react(resize),
    startTasks: react(startTasks),
    stopEarly: react(stopEarly),
  },
  guards: {
    allHold: ({ context }) => activeTasks(context) > 0 && !someRun(context),
    hasFailed: ({ context }) => context.failure !== undefined && activeTasks(context) === 0,
    // A source has its input from the start: what it does is reading, until that is over.
    inputIsOver: ({ context }) =>
      isInputOver(context) &&
      !wantsFlush(context) &&
      (context.plan.kind !== 'source' || isEnding(context) || activeTasks(context) === 0),
    inputWaits: ({ context }) => hasPendingInput(context) || wantsFlush(context),
    isDenied: ({ context }) => context.denial !== undefined,
    isOver: ({ context }) => isOver(context),
    mayGoOn: ({ context }) => activeTasks(context) === 0 && context.denial === undefined,
    noneRun: ({ context }) => activeTasks(context) === 0,
    nothingWaits: ({ context }) => !hasPendingInput(context) && !wantsFlush(context),
    someRun: ({ context }) => someRun(context),
    wasCancelled: ({ context }) => context.cancelled && isOver(context),
  },
}).createMachine({
  id: 'operator',
  description: 'One stage of the pipeline: its queues, its tasks, its counters.',
  context: ({ input }) => initialOperator(input),
  on: {
    'operator.input': { actions: 'addInput', description: 'Blocks arrive at a port.' },
    'operator.inputsDone': { actions: 'markInputsDone', description: 'A port gets no more.' },
    'operator.poll': { actions: 'answerPoll', description: 'The supervisor asks for a report.' },
    'operator.dispatch': { actions: 'startTasks', description: 'Tokens to start tasks with.' },
    'operator.credit': { actions: 'feedTasks', description: 'Credit for tasks that hold.' },
    'operator.denied': { actions: 'keepDenial', description: 'Why nothing more may start.' },
    'operator.resize': { actions: 'resize', description: 'More tasks, or fewer, may run.' },
    'operator.stop': { actions: 'stopEarly', description: 'Nobody wants its outputs.' },
    'operator.finish': { actions: 'finishReading', description: 'Read no more.' },
    'operator.cancel': { actions: 'cancelAll', description: 'The run is being cancelled.' },
    'task.progress': { actions: 'acceptProgress', description: 'A task yielded, or holds.' },
    'task.settled': { actions: 'acceptSettled', description: 'A task is over.' },
    'task.returned': { actions: 'acceptReturned', description: 'Credit came too late.' },
  },
  initial: 'idle',
  states: {
    idle: {
      description: 'No input waits and no task runs.',
      always: [
        { guard: 'inputIsOver', target: 'draining' },
        { guard: 'inputWaits', target: 'ready' },
      ],
    },
    ready: {
      description: 'Input waits for the next cycle to start a task.',
      always: [
        { guard: 'someRun', target: 'running' },
        { guard: 'inputIsOver', target: 'draining' },
        { guard: 'nothingWaits', target: 'idle' },
        { guard: 'isDenied', target: 'backpressured' },
      ],
    },
    running: {
      description: 'At least one task runs.',
      always: [
        { guard: 'inputIsOver', target: 'draining' },
        { guard: 'allHold', target: 'backpressured' },
        { guard: 'noneRun', target: 'ready' },
      ],
    },
    backpressured: {
      description: 'Input waits or tasks hold, and a limit says no.',
      always: [
        { guard: 'inputIsOver', target: 'draining' },
        { guard: 'someRun', target: 'running' },
        { guard: 'mayGoOn', target: 'ready' },
      ],
    },
    draining: {
      description: 'No input is left; tasks and outputs are on their way out.',
      always: [
        { guard: 'hasFailed', target: 'failed' },
        { guard: 'wasCancelled', target: 'cancelled' },
        { guard: 'isOver', target: 'completed' },
      ],
    },
    completed: { description: 'Every input is done with, every output taken.' },
    failed: { description: 'A task failed for good.' },
    cancelled: { description: 'Given up with the run.' },
  },
});

function someRun(context: OperatorContext): boolean {
  return activeTasks(context) > holdingTasks(context);
}
