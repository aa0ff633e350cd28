/**
 * Folds run events into the run model. Every event of a live run comes through here, so the model is
 * changed in place; nothing that comes from outside is trusted to fit what came before it.
 */
import type { RunEvent } from '../../machines/run-event.ts';
import { pathParts } from './actor-path.ts';
import { freshOperator } from './empty-model.ts';
import { append } from './log.ts';
import { sample, startMetrics } from './metrics.ts';
import { noteRecent } from './recent.ts';
import { KEPT, type ActorModel, type OperatorModel, type RunModel } from './model.ts';
import {
  addOutput,
  endTask,
  noteTaskState,
  noteTrouble,
  startAttempt,
  takeArrivals,
} from './tasks.ts';
import { judge, reconsiderWhy } from './why.ts';

type EventOf<TType extends RunEvent['type']> = Extract<RunEvent, { type: TType }>;

/** Takes one event into the model. Events come in the order of their numbers. */
export function applyRunEvent(model: RunModel, event: RunEvent): void {
  // Whatever has changed by now held until this event.
  if (event.at > model.at) sample(model, event.at);
  model.seq = event.seq;
  model.at = Math.max(model.at, event.at);
  model.revision += 1;
  apply(model, event);
  reconsiderWhy(model, event);
}

/**
 * Lets time pass without an event: what has been going on goes on. A run that is stuck has no events,
 * and how long it has been so is what people want to see.
 */
export function advanceModel(model: RunModel, at: number): void {
  if (at <= model.at || model.end !== undefined) return;
  sample(model, at);
  model.at = at;
  model.revision += 1;
  judge(model);
}

function apply(model: RunModel, event: RunEvent): void {
  switch (event.type) {
    case 'run.started':
      model.plan = event.plan;
      model.budget = event.budget;
      model.operators = event.plan.operators.map((info) => freshOperator(info, event.at));
      // Told anew after a gap: who is there follows.
      model.actors = {};
      if (model.history.metrics.at.length === 0) startMetrics(model);
      break;
    case 'run.ended': {
      const { status, at, reason, failure } = event;
      model.end = {
        status,
        at,
        ...(reason === undefined ? {} : { reason }),
        ...(failure === undefined ? {} : { failure }),
      };
      sample(model, event.at, true);
      break;
    }
    case 'machine.defined':
      model.machines[event.machine] = event.definition;
      break;
    case 'actor.started':
      startActor(model, event);
      break;
    case 'actor.stopped': {
      const actor = model.actors[event.actor];
      if (actor !== undefined) actor.stoppedAt = event.at;
      forgetStopped(model);
      break;
    }
    case 'message':
      noteMessage(model, event);
      break;
    case 'state.entered':
      enterState(model, event);
      break;
    case 'cycle':
      model.cycles = event.cycle;
      break;
    case 'operator.changed': {
      const operator = operatorNamed(model, event.operator);
      if (operator === undefined) break;
      operator.figures = event.figures;
      takeArrivals(operator, event.figures.in, event.at);
      break;
    }
    case 'operator.doing':
      changeDoing(model, event);
      break;
    case 'operator.denied': {
      const operator = operatorNamed(model, event.operator);
      if (operator !== undefined) operator.denial = event.denial;
      break;
    }
    case 'operator.freed': {
      const operator = operatorNamed(model, event.operator);
      if (operator !== undefined) operator.denial = undefined;
      break;
    }
    case 'resources.changed': {
      model.used = { ...event.used };
      model.liveBytes = 0;
      event.accounts.forEach((account, index) => {
        const operator = model.operators[index];
        if (operator !== undefined) operator.account = account;
        model.liveBytes += account.live;
      });
      model.peakBytes = Math.max(model.peakBytes, model.liveBytes);
      break;
    }
    case 'budget.changed':
      model.budget = event.budget;
      break;
    case 'consumer.changed': {
      const { held, demand, waits } = event;
      Object.assign(model.consumer, { held, demand, waits });
      break;
    }
    case 'task.started': {
      const operator = operatorNamed(model, event.operator);
      if (operator !== undefined) startAttempt(operator, event);
      break;
    }
    case 'task.retried': {
      const operator = operatorNamed(model, event.operator);
      if (operator === undefined) break;
      noteTrouble(operator, { ...event, kind: 'retried' });
      break;
    }
    case 'block.dropped': {
      const operator = operatorNamed(model, event.operator);
      if (operator === undefined) break;
      const { at, lineage, attempts, cause } = event;
      noteTrouble(operator, { at, kind: 'dropped', lineage, attempt: attempts, error: cause });
      break;
    }
    case 'block.produced': {
      const operator = operatorNamed(model, event.operator);
      if (operator !== undefined) addOutput(operator, event.task, event.block);
      break;
    }
    case 'task.ended': {
      const operator = operatorNamed(model, event.operator);
      if (operator === undefined) break;
      const bar = endTask(operator, event);
      if (bar !== undefined) append(model.history.tasks, bar, KEPT.tasks);
      break;
    }
    case 'blocks.moved':
      if (event.to !== 'consumer') break;
      model.consumer.blocks += event.blocks.length;
      model.consumer.rows += event.rows;
      break;
    case 'breakpoint.hit':
      model.breakpoint = { id: event.breakpoint, text: event.text, at: event.at };
      break;
    case 'log': {
      const { seq, at, operator, lineage, text } = event;
      append(model.history.logs, { seq, at, operator, lineage, text }, KEPT.logs);
      break;
    }
    case 'blocks.released':
    case 'dispatched':
    case 'progress':
    case 'task.fed':
    case 'task.held':
    case 'token.denied':
    case 'token.granted':
    case 'token.released':
      break;
  }
}

export function operatorNamed(model: RunModel, name: string): OperatorModel | undefined {
  return model.operators.find((operator) => operator.name === name);
}

function startActor(model: RunModel, { actor, machine, at }: EventOf<'actor.started'>): void {
  const { parent, id } = pathParts(actor);
  model.actors[actor] = {
    path: actor,
    parent,
    id,
    machine,
    state: '',
    stateSince: at,
    lastTransitions: [],
    lastEvent: undefined,
    visits: {},
    received: 0,
    sent: 0,
    startedAt: at,
    stoppedAt: undefined,
  };
}

/** The ones that stopped first are forgotten when there are too many. */
function forgetStopped(model: RunModel): void {
  const stopped = Object.values(model.actors).filter(({ stoppedAt }) => stoppedAt !== undefined);
  if (stopped.length <= KEPT.stoppedActors) return;
  stopped.sort((a, b) => (a.stoppedAt ?? 0) - (b.stoppedAt ?? 0));
  const tooMany = new Set(
    stopped.slice(0, stopped.length - KEPT.stoppedActors / 2).map(({ path }) => path),
  );
  model.actors = Object.fromEntries(
    Object.entries(model.actors).filter(([path]) => !tooMany.has(path)),
  );
}

function noteMessage(model: RunModel, event: EventOf<'message'>): void {
  const { seq, at, from, to, message, refs, cause } = event;
  const receiver = model.actors[to];
  if (receiver !== undefined) receiver.received += 1;
  const sender = from === undefined ? undefined : model.actors[from];
  if (sender !== undefined) sender.sent += 1;
  append(model.history.messages, { seq, at, from, to, type: message, refs, cause }, KEPT.messages);
}

function enterState(model: RunModel, event: EventOf<'state.entered'>): void {
  const { state, at, transitions = [] } = event;
  const actor = model.actors[event.actor];
  if (actor === undefined) return;
  actor.state = state;
  actor.stateSince = at;
  actor.lastTransitions = transitions;
  actor.lastEvent = event.event;
  actor.visits[state] = (actor.visits[state] ?? 0) + 1;
  if (actor.parent === undefined) {
    enterRunState(model, state, at);
    return;
  }
  const operator = operatorOf(model, actor);
  if (operator === undefined) return;
  if (actor.machine === 'task') noteTaskState(operator, actor.id, state, at);
  else {
    operator.state = state;
    operator.stateSince = at;
  }
}

function enterRunState(model: RunModel, state: string, at: number): void {
  const wasPaused = model.state === 'paused';
  model.state = state;
  model.pausedSince = state === 'paused' ? (model.pausedSince ?? at) : undefined;
  if (wasPaused && state !== 'paused') model.breakpoint = undefined;
}

/** The operator an actor is, or is a task of. */
function operatorOf(
  model: RunModel,
  { machine, id, parent }: ActorModel,
): OperatorModel | undefined {
  if (machine === 'operator') return operatorNamed(model, id);
  if (machine !== 'task' || parent === undefined) return undefined;
  return operatorNamed(model, model.actors[parent]?.id ?? pathParts(parent).id);
}

function changeDoing(model: RunModel, event: EventOf<'operator.doing'>): void {
  const operator = operatorNamed(model, event.operator);
  if (operator === undefined) return;
  const { at, doing, since = at, spent } = event;
  noteRecent(operator, at);
  if (spent !== undefined) operator.spent = { ...spent };
  else {
    const elapsed = Math.max(0, at - operator.doingSince);
    operator.spent[operator.doing] = (operator.spent[operator.doing] ?? 0) + elapsed;
  }
  operator.doing = doing;
  operator.doingSince = since;
}
