/**
 * What limits the run, and since when. Found as a person would: start at the end of the pipeline and
 * walk towards the sources, past everybody who waits for input, to the one who could go on and does not,
 * or who is as busy as it can be. What an operator does is judged by the last while, not by the moment.
 */
import type { RunEvent } from '../../machines/run-event.ts';
import { append } from './log.ts';
import { KEPT, type OperatorModel, type RunModel, type Why } from './model.ts';
import { amountText, bytesText, countText, durationText } from './quantities.ts';
import { chiefDoing } from './recent.ts';
import { CONSUMER, feedersOf, queueLimitOf, tokenHolders } from './graph.ts';

/** Judgements are at least so many milliseconds apart, except about the end and about pauses. */
const EVERY_MS = 20;
/** A block that failed so often is what people look for. */
const MANY_ATTEMPTS = 3;
/** A queue that is so full says that the operator behind it is too slow. */
const FULL = 0.5;

/** Limits that are no resource of the budget. */
const OF_OTHERS: readonly string[] = ['queue', 'demand', 'maxConcurrency'];

type Finding = Omit<Why, 'since' | 'seq'> & { readonly since?: number };

/** Judges anew: keeps `model.why` and its history. */
export function judge(model: RunModel): void {
  model.whyCheckedAt = model.at;
  const why = whyNow(model);
  const isSame = isAbout(why, model.why);
  model.why = why;
  if (!isSame) append(model.history.whys, why, KEPT.whys);
}

/** Judges anew if it is time to, or if the run has taken a turn. */
export function reconsiderWhy(model: RunModel, event: RunEvent): void {
  if (!isTurn(model, event) && event.at - model.whyCheckedAt < EVERY_MS) return;
  judge(model);
}

function isTurn(model: RunModel, { type }: RunEvent): boolean {
  const isPaused = model.pausedSince !== undefined;
  return (
    type === 'run.started' ||
    type === 'run.ended' ||
    type === 'breakpoint.hit' ||
    isPaused !== (model.why.kind === 'paused')
  );
}

function whyNow(model: RunModel): Why {
  const { at, seq } = model;
  const { text, kind, operator, limit, since = at } = find(model, at);
  const why = { seq, text, kind, operator, limit, since };
  return isAbout(why, model.why) ? { ...why, since: Math.min(model.why.since, since) } : why;
}

function isAbout(a: Why, b: Why): boolean {
  return a.kind === b.kind && a.operator === b.operator && a.limit === b.limit;
}

function find(model: RunModel, now: number): Finding {
  const { end, operators } = model;
  if (end !== undefined) return ending(end);
  if (model.breakpoint !== undefined) {
    const { text, at } = model.breakpoint;
    return { ...nobody('paused'), text: `held by a breakpoint: ${text}`, since: at };
  }
  if (model.pausedSince !== undefined) {
    return {
      ...nobody('paused'),
      text: 'held: no task starts until it is resumed; those that run go on',
      since: model.pausedSince,
    };
  }
  if (model.state === 'idle' || operators.length === 0) {
    return { ...nobody('starting'), text: 'the run is starting' };
  }
  const troubled = operators.find(isInTrouble);
  if (troubled !== undefined) return retrying(troubled);
  const depths = new Map(model.plan.operators.map(({ index, depth }) => [index, depth]));
  const fromEnd = operators
    .filter(({ doing }) => doing !== 'over')
    .sort((a, b) => (depths.get(a.index) ?? 0) - (depths.get(b.index) ?? 0));
  const visited = new Set<number>();
  for (const operator of fromEnd) {
    const found = limiterFrom({ model, now, visited }, operator);
    if (found !== undefined) return found;
  }
  return { ...nobody('starting'), text: 'nothing holds the run up' };
}

interface Walk {
  readonly model: RunModel;
  readonly now: number;
  /** Operators that have been asked. */
  readonly visited: Set<number>;
}

function limiterFrom(walk: Walk, operator: OperatorModel): Finding | undefined {
  const { model, now, visited } = walk;
  if (visited.has(operator.index) || operator.doing === 'over') return undefined;
  visited.add(operator.index);
  const doing = chiefDoing(operator, now);
  switch (doing) {
    case 'starved':
    case 'dispatch':
      return isUntaken(model, operator) ? consumer(model, operator) : fromFeeders(walk, operator);
    case 'running':
      return isSwamped(model, operator)
        ? busy(model, operator)
        : (fromFeeders(walk, operator) ?? busy(model, operator));
    case 'maxConcurrency':
      return busy(model, operator);
    case 'queue':
      return fromReceivers(walk, operator);
    case 'demand':
      return consumer(model, operator);
    case 'over':
      return undefined;
    default:
      return refused(model, operator, doing);
  }
}

/** Asks those that feed the operator; first those of ports where nothing waits. */
function fromFeeders(walk: Walk, operator: OperatorModel): Finding | undefined {
  const { model } = walk;
  const { figures, name } = operator;
  const feeders = feedersOf(model, operator.index);
  const empty = feeders.filter(({ port }) => figures.in[port] === 0);
  for (const { operator: feeder, port } of [...empty, ...feeders]) {
    const found = limiterFrom(walk, feeder);
    if (found === undefined) continue;
    const others = figures.in.map((_blocks, other) => other).filter((other) => other !== port);
    if (others.length === 0 || !others.every((other) => isSupplied(walk, operator, other))) {
      return found;
    }
    const input = String(port + 1);
    return {
      ...found,
      kind: 'fan-in',
      text: `${name} waits for input ${input} (${feeder.name}) alone: ${found.text}`,
    };
  }
  return undefined;
}

/** Whether a port is not what an operator waits for: it has blocks, or has got all, or could have more. */
function isSupplied(
  { model, now }: Walk,
  { index, figures }: OperatorModel,
  port: number,
): boolean {
  if ((figures.in[port] ?? 0) > 0) return true;
  const feeders = feedersOf(model, index).filter((feeder) => feeder.port === port);
  return feeders.every(
    ({ operator }) => operator.doing === 'over' || chiefDoing(operator, now) === 'queue',
  );
}

/** A fan-out is blocked by the receiver that is full. */
function fromReceivers(walk: Walk, operator: OperatorModel): Finding | undefined {
  const { model } = walk;
  const edges = model.plan.operators[operator.index]?.edges ?? [];
  const receivers = edges
    .flatMap(({ to, port }) => {
      const receiver = model.operators[to];
      return receiver === undefined ? [] : [{ receiver, waiting: receiver.figures.in[port] ?? 0 }];
    })
    .sort((a, b) => b.waiting - a.waiting);
  for (const { receiver } of receivers) {
    const found = limiterFrom(walk, receiver);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** All it has to do is to hand over what it made. */
function isUntaken({ plan }: RunModel, { index, figures }: OperatorModel): boolean {
  const edges = plan.operators[index]?.edges ?? [];
  return figures.out > 0 && edges.some(({ to }) => to === CONSUMER);
}

function isSwamped(model: RunModel, operator: OperatorModel): boolean {
  const { figures, denial, index } = operator;
  const kind = model.plan.operators[index]?.kind;
  if (kind === 'source') return true;
  if (denial?.limit === 'maxConcurrency') return true;
  const fill = Math.max(...figures.in.map((blocks) => blocks / queueLimitOf(model, operator)));
  return fill >= FULL;
}

function busy(model: RunModel, operator: OperatorModel): Finding {
  const { name, figures, index, doingSince } = operator;
  if (model.plan.operators[index]?.kind === 'source') {
    return {
      kind: 'source',
      operator: name,
      limit: undefined,
      text: `${name} limits the run: everything else waits for what it reads`,
      since: doingSince,
    };
  }
  const { active, maxConcurrency, blockMs } = figures;
  const limit = operator.denial?.limit;
  const isLimit = limit !== undefined && !['queue', 'demand', 'maxConcurrency'].includes(limit);
  // It would have more tasks, if there was more of what they need.
  if (active < maxConcurrency && isLimit) return refused(model, operator, limit);
  const { denial } = operator;
  // It does something, and would do more if there were more of a resource.
  if (active < maxConcurrency && denial !== undefined && !OF_OTHERS.includes(denial.limit)) {
    return refused(model, operator, denial.limit);
  }
  const waiting = figures.in.reduce((sum, blocks) => sum + blocks, 0);
  const speed = blockMs === undefined ? '' : ` (${durationText(blockMs)} a block)`;
  const held = model.operators.filter(({ doing }) => doing === 'queue').length;
  const tasks =
    active < maxConcurrency
      ? `${String(active)} of at most ${countText(maxConcurrency, 'task')} run`
      : maxConcurrency === 1
        ? 'the one task it may have is busy'
        : `all ${String(maxConcurrency)} tasks it may have are busy`;
  return {
    kind: 'operator',
    operator: name,
    limit: active >= maxConcurrency ? 'maxConcurrency' : undefined,
    text: `${name} limits the run: ${tasks}${speed}; ${countText(waiting, 'block')} in front of it${held === 0 ? '' : `, and ${countText(held, 'operator')} held up`}`,
    since: denial?.since ?? doingSince,
  };
}

function consumer(model: RunModel, operator: OperatorModel): Finding {
  const waiting =
    operator.figures.out + operator.figures.in.reduce((sum, blocks) => sum + blocks, 0);
  return {
    kind: 'consumer',
    operator: operator.name,
    limit: 'demand',
    text: `the consumer limits the run: it has not asked for more (it holds ${countText(model.consumer.held, 'block')}), ${countText(waiting, 'block')} wait at ${operator.name}`,
    since: operator.denial?.since ?? operator.doingSince,
  };
}

function refused(model: RunModel, operator: OperatorModel, limit: string): Finding {
  const { name, denial, doingSince } = operator;
  const known = denial?.limit === limit ? denial : undefined;
  if (limit === 'blockBytes') {
    const [most] = [...model.operators].sort((a, b) => b.account.live - a.account.live);
    const holder =
      most === undefined || most.account.live === 0
        ? ''
        : `; most is held by blocks of ${most.name} (${bytesText(most.account.live)})`;
    const needs =
      known === undefined
        ? ''
        : ` (needs ${bytesText(known.asked)}, ${bytesText(known.free)} free of ${bytesText(model.budget.blockBytes)})`;
    return {
      kind: 'bytes',
      operator: name,
      limit,
      text: `${name} limits the run: waiting for blockBytes${needs}${holder}`,
      since: known?.since ?? doingSince,
    };
  }
  const needs =
    known === undefined
      ? ''
      : ` (needs ${amountText(known.asked)}, ${amountText(known.free)} free)`;
  const holders = tokenHolders(model, limit)
    .slice(0, 3)
    .map((holder) => `${holder.operator} ${amountText(holder.amount)}`)
    .join(', ');
  return {
    kind: 'resource',
    operator: name,
    limit,
    text: `${name} limits the run: waiting for ${limit}${needs}${holders === '' ? '' : `; held by ${holders}`}`,
    since: known?.since ?? doingSince,
  };
}

function isInTrouble({ troubled }: OperatorModel): boolean {
  return troubled !== undefined && troubled.attempts >= MANY_ATTEMPTS;
}

function retrying({ name, troubled }: OperatorModel): Finding {
  const { lineage = '', attempts = 0, error = '', since } = troubled ?? {};
  return {
    kind: 'retries',
    operator: name,
    limit: undefined,
    text: `${name} keeps failing on block ${lineage}: ${countText(attempts, 'attempt')} failed, the last with "${error}"`,
    ...(since === undefined ? {} : { since }),
  };
}

function ending({ status, at, reason, failure }: NonNullable<RunModel['end']>): Finding {
  if (status === 'done') return { ...nobody('done'), text: 'done', since: at };
  if (status === 'cancelled') {
    const why = reason === undefined ? '' : `: ${reason}`;
    return { ...nobody('cancelled'), text: `cancelled${why}`, since: at };
  }
  const { operator, lineage = '', error = '' } = failure ?? {};
  const where = operator ?? 'the run';
  const block = lineage === '' ? '' : ` on block ${lineage}`;
  return { ...nobody('failed'), operator, text: `${where} failed${block}: ${error}`, since: at };
}

function nobody(kind: Why['kind']): Pick<Why, 'kind' | 'operator' | 'limit'> {
  return { kind, operator: undefined, limit: undefined };
}
