/**
 * The supervisor chart: the run. While it runs, one cycle follows another, and each is a walk through
 * the states below; a cycle begins when something has changed, ends in a macrotask, and serves what
 * arrived meanwhile with the next. Nothing in it is driven by a timer.
 */
import { fromCallback, setup } from 'xstate';
import {
  noSpill,
  type ClockEvent,
  type OutletEvent,
  type RunnerEvent,
  type StoreEvent,
} from '../hands.protocol.ts';
import { operatorMachine } from '../operator/operator.machine.ts';
import { resourceMachine } from '../resource/resource.machine.ts';
import { react } from '../xstate.ts';
import { runReport, type RunReport } from './run-report.ts';
import { staffId } from './staff-id.ts';
import { freshView, nothingLoosened, type SupervisorContext } from './supervisor.context.ts';
import {
  complete,
  poll,
  takeConsumer,
  takeFreed,
  takeReport,
  transfer,
} from './supervisor.cycle.ts';
import { dispatch, request } from './supervisor.dispatch.ts';
import {
  abandon,
  addDemand,
  askForCycle,
  askForFreed,
  askForStep,
  begin,
  beginStep,
  cancel,
  close,
  discardSplits,
  drain,
  isQuiet,
  markChanged,
  markConsumer,
  markFreed,
  markRefilled,
  noteAbandoned,
  noteClosed,
  noteDelivered,
  open,
  pause,
  pollNow,
  refuse,
  resume,
  returnGrants,
  setBudget,
  setMaxConcurrency,
  settleFreed,
  settleReport,
  skipCycle,
  stopReading,
  takeStep,
} from './supervisor.ending.ts';
import type { SupervisorEvent, SupervisorInput } from './supervisor.protocol.ts';

export const supervisorMachine = setup({
  types: {
    context: {} as SupervisorContext,
    events: {} as SupervisorEvent,
    input: {} as SupervisorInput,
    output: {} as RunReport,
  },
  actors: {
    operator: operatorMachine,
    resource: resourceMachine,
    // The hands: what these do for real is given with `provide`.
    runner: fromCallback<RunnerEvent>(() => undefined),
    store: fromCallback<StoreEvent>(() => undefined),
    clock: fromCallback<ClockEvent>(() => undefined),
    outlet: fromCallback<OutletEvent>(() => undefined),
  },
  actions: {
    abandon: react(abandon),
    addDemand: react(addDemand),
    askForCycle: react(askForCycle),
    askForFreed: react(askForFreed),
    askForStep: react(askForStep),
    begin: react(begin),
    beginStep: react(beginStep),
    cancel: react(cancel),
    close: react(close),
    complete: react(complete),
    discardSplits: react(discardSplits),
    dispatch: react(dispatch),
    drain: react(drain),
    markChanged: react(markChanged),
    noteAbandoned: react(noteAbandoned),
    noteClosed: react(noteClosed),
    noteDelivered: react(noteDelivered),
    markConsumer: react(markConsumer),
    markFreed: react(markFreed),
    markRefilled: react(markRefilled),
    open: react(open),
    pause: react(pause),
    poll: react(poll),
    pollNow: react(pollNow),
    refuse: react(refuse),
    request: react(request),
    resume: react(resume),
    returnGrants: react(returnGrants),
    setBudget: react(setBudget),
    setMaxConcurrency: react(setMaxConcurrency),
    settleFreed: react(settleFreed),
    settleReport: react(settleReport),
    skipCycle: react(skipCycle),
    stopReading: react(stopReading),
    takeConsumer: react(takeConsumer),
    takeFreed: react(takeFreed),
    takeReport: react(takeReport),
    takeStep: react(takeStep),
    transfer: react(transfer),
  },
  guards: {
    allReported: ({ context }) => context.awaited === 0,
    isDelivered: ({ context }) => context.delivered && !context.abandoning,
    isEnding: ({ context }) => context.ending !== undefined,
    isPaused: ({ context }) => context.paused,
    isQuiet: ({ context }) => isQuiet(context),
    isStepAsked: ({ context }) => context.stepping === 'asked',
    mustEnd: ({ context }) => context.awaited === 0 && context.ending !== undefined,
    nothingAsked: ({ context }) => context.asked.length === 0,
    hasFailed: ({ context }) => context.ending?.outcome === 'failed',
    wasCancelled: ({ context }) => context.ending?.outcome === 'cancelled',
  },
}).createMachine({
  id: 'supervisor',
  description: 'One run of a pipeline.',
  context: ({ input, spawn, self }) => {
    const { plan, budget, ranking, now, cancelled } = input;
    const runner = spawn('runner', { id: staffId('runner', plan) });
    const store = spawn('store', { id: staffId('store', plan) });
    const clock = spawn('clock', { id: staffId('clock', plan) });
    const outlet = spawn('outlet', { id: staffId('outlet', plan) });
    const resource = spawn('resource', {
      id: staffId('resource', plan),
      input: { budget, holders: plan.operators.length, now, client: self },
    });
    const operators = plan.operators.map((operator) =>
      spawn('operator', {
        id: operator.name,
        input: { plan: operator, now, supervisor: self, runner, store, clock, outlet },
      }),
    );
    return {
      plan,
      budget,
      ranking,
      staff: { runner, store, clock, outlet, resource, operators },
      startedAt: now,
      now,
      cycles: 0,
      views: plan.operators.map(freshView),
      reports: plan.operators.map(() => undefined),
      changed: [],
      stirred: false,
      loosened: nothingLoosened,
      cycleAsked: false,
      awaited: 0,
      arrived: [],
      unsettled: [],
      demand: 0,
      portsDone: [],
      stopped: [],
      closed: [],
      asked: [],
      told: plan.operators.map(() => undefined),
      passedOver: plan.operators.map(() => 0),
      refilling: false,
      liveBytes: 0,
      consumer: { held: 0, waits: false, burying: 0 },
      spill: noSpill,
      fruitless: 0,
      paused: false,
      stepping: 'no',
      stepTask: undefined,
      stopping: false,
      delivered: false,
      abandoning: false,
      ending: cancelled === undefined ? undefined : { outcome: 'cancelled', ...cancelled },
      laterErrors: [],
    };
  },
  output: ({ context }) => runReport(context),
  on: {
    'operator.changed': { actions: 'markChanged', description: 'An operator has news.' },
    'consumer.demand': { actions: 'addDemand', description: 'The consumer takes more.' },
    'store.changed': { actions: 'markFreed', description: 'Blocks were let go of.' },
    'outlet.changed': { actions: 'markConsumer', description: 'The consumer waits.' },
    'resource.refilled': { actions: 'markRefilled', description: 'A rate has refilled.' },
    'run.setBudget': { actions: 'setBudget', description: 'The budget changes.' },
    'run.setMaxConcurrency': {
      actions: 'setMaxConcurrency',
      description: 'An operator may have more tasks, or fewer.',
    },
    'run.stop': { actions: 'stopReading', description: 'Read no more, finish the rest.' },
    'run.pause': { actions: 'pause', description: 'Start nothing more for now.' },
    'run.resume': { actions: 'resume', description: 'Go on after a pause.' },
    'run.step': { actions: 'askForStep', description: 'One cycle, then pause.' },
  },
  initial: 'idle',
  states: {
    idle: {
      description: 'Sources list what they will read; sinks open.',
      entry: 'open',
      always: { guard: 'isEnding', target: 'draining' },
      on: {
        'runner.opened': { actions: 'begin', target: 'running' },
        'runner.refused': { actions: 'refuse', target: 'draining' },
        'run.cancel': { actions: 'cancel', target: 'draining' },
      },
    },
    running: {
      description: 'Blocks flow.',
      initial: 'waiting',
      on: { 'run.cancel': { actions: 'cancel', target: 'draining' } },
      states: {
        waiting: {
          description: 'Until something changes.',
          entry: 'askForCycle',
          always: [
            { guard: 'isEnding', target: '#supervisor.draining' },
            { guard: 'isPaused', target: '#supervisor.paused' },
          ],
          on: {
            cycle: { actions: 'poll', target: 'polling' },
            'operator.changed': { actions: ['markChanged', 'askForCycle'] },
            'consumer.demand': { actions: ['addDemand', 'askForCycle'] },
            'store.changed': { actions: ['markFreed', 'askForCycle'] },
            'outlet.changed': { actions: ['markConsumer', 'askForCycle'] },
            'resource.refilled': { actions: ['markRefilled', 'askForCycle'] },
            'run.setBudget': { actions: ['setBudget', 'askForCycle'] },
          },
        },
        polling: {
          description: 'Ask who has changed for outputs, tokens that came back, and a view.',
          always: [
            { guard: 'mustEnd', target: '#supervisor.draining' },
            { guard: 'allReported', target: 'transferring' },
          ],
          on: {
            'operator.report': { actions: 'takeReport' },
            'store.report': { actions: 'takeFreed' },
            'outlet.report': { actions: 'takeConsumer' },
          },
        },
        transferring: {
          description: 'Move refs to the operators that follow, and to the consumer.',
          entry: 'transfer',
          always: 'completing',
        },
        completing: {
          description: 'Pass on that inputs are over, or outputs unwanted; settle the accounts.',
          entry: 'complete',
          always: [
            { guard: 'isEnding', target: '#supervisor.draining' },
            { target: 'dispatching' },
          ],
        },
        dispatching: {
          description: 'Ask for tokens in the order of the ranking policy; send dispatches.',
          entry: 'request',
          always: [
            { guard: 'isEnding', target: '#supervisor.draining' },
            { guard: 'nothingAsked', target: 'waiting' },
          ],
          on: { 'resource.decision': { actions: 'dispatch' } },
        },
      },
    },
    paused: {
      description: 'No task starts; those that run go on, and their outputs wait.',
      entry: 'takeStep',
      on: {
        'run.resume': { actions: 'resume', target: 'running' },
        'run.step': { actions: ['askForStep', 'takeStep'] },
        'run.cancel': { actions: 'cancel', target: 'draining' },
        cycle: [
          { guard: 'isStepAsked', actions: ['beginStep', 'poll'], target: 'running.polling' },
          { actions: 'skipCycle' },
        ],
      },
    },
    draining: {
      description: 'Nothing new starts; running tasks come to their real end.',
      entry: 'drain',
      always: { guard: 'isQuiet', target: 'closing' },
      on: {
        'operator.changed': { actions: 'pollNow' },
        'operator.report': { actions: 'settleReport' },
        'store.report': { actions: 'settleFreed' },
        'outlet.report': { actions: 'takeConsumer' },
        'resource.decision': { actions: 'returnGrants' },
        'runner.opened': { actions: 'discardSplits' },
      },
    },
    closing: {
      description: 'Sinks commit or give up; undelivered blocks are let go of.',
      entry: 'close',
      on: {
        'runner.closed': { actions: 'noteClosed', target: 'delivering' },
        'outlet.closed': { actions: 'noteDelivered' },
        'runner.opened': { actions: 'discardSplits' },
        'run.cancel': { actions: 'abandon' },
        'outlet.abandoned': { actions: 'noteAbandoned' },
      },
    },
    delivering: {
      description: 'The last dead letters are handled.',
      always: { guard: 'isDelivered', target: 'settling' },
      on: {
        'outlet.closed': { actions: 'noteDelivered' },
        'run.cancel': { actions: 'abandon' },
        'outlet.abandoned': { actions: 'noteAbandoned' },
      },
    },
    settling: {
      description: 'The last bytes are booked: the ledger ends at zero.',
      entry: 'askForFreed',
      on: {
        'store.report': [
          { guard: 'hasFailed', actions: 'settleFreed', target: 'failed' },
          { guard: 'wasCancelled', actions: 'settleFreed', target: 'cancelled' },
          { actions: 'settleFreed', target: 'done' },
        ],
      },
    },
    done: { type: 'final', description: 'Every block was processed.' },
    failed: { type: 'final', description: 'An operator failed for good.' },
    cancelled: { type: 'final', description: 'Ended before it was done, by request.' },
  },
});
