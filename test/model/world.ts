/**
 * The world of the model: what runner, store, clock and consumer could do next, as plain values. Where
 * the real ones depend on time or luck, here every possibility is a branch.
 */
import { childLineage, NOBODY, type BlockRef } from '../../machines/block.ts';
import {
  noSpill,
  type ClockEvent,
  type OutletEvent,
  type RunnerEvent,
  type RunnerRun,
  type StoreEvent,
} from '../../machines/hands.protocol.ts';
import type { Credit } from '../../machines/resource/ledger.ts';
import { pathOf, type Message, type Sent } from './charts.ts';
import type { ModelConfig } from './config.ts';

export const ROW_BYTES = 8;
export const SUPERVISOR = 'supervisor';

/** One run the runner has under way. */
export interface ModelRun {
  readonly replyTo: string;
  readonly operator: number;
  readonly run: number;
  readonly inputs: readonly BlockRef[];
  readonly skip: number;
  /** Outputs of the first input that were yielded, those of earlier attempts included. */
  readonly yielded: number;
  readonly credit: Credit;
  readonly held: boolean;
  readonly cancelled: boolean;
}

export interface World {
  readonly blocks: ReadonlyMap<string, { readonly ref: BlockRef; readonly holders: number }>;
  readonly released: ReadonlyMap<number, number>;
  readonly storeTold: boolean;
  readonly runs: readonly ModelRun[];
  readonly cycleAsked: boolean;
  readonly alarms: ReadonlyMap<string, Sent>;
  /** Blocks the consumer was given and has not taken. */
  readonly delivered: readonly BlockRef[];
  readonly closed: boolean;
  /** Lineages the consumer has taken. */
  readonly taken: readonly string[];
  readonly opened: boolean;
  /** Attempts that may still fail. */
  readonly failures: number;
  readonly mayCancel: boolean;
  readonly mayPause: boolean;
}

/** One thing that can happen next. */
export interface Choice {
  readonly name: string;
  /** Whose messages the replies are: messages of one sender keep their order. */
  readonly from: 'runner' | 'clock' | 'outlet' | 'user';
  readonly world: World;
  readonly replies: readonly Sent[];
}

export function initialWorld(config: ModelConfig): World {
  return {
    blocks: new Map(),
    released: new Map(),
    storeTold: false,
    runs: [],
    cycleAsked: false,
    alarms: new Map(),
    delivered: [],
    closed: false,
    taken: [],
    opened: false,
    failures: config.failures,
    mayCancel: config.cancel,
    mayPause: config.pause,
  };
}

type HandEvent = RunnerEvent | StoreEvent | ClockEvent | OutletEvent;

/** A message from a chart to one of its hands: understood at once. */
export function receive(
  world: World,
  event: HandEvent,
): { world: World; replies: readonly Sent[] } {
  const none: readonly Sent[] = [];
  switch (event.type) {
    case 'runner.open':
      return { world: { ...world, opened: true }, replies: none };
    case 'runner.run':
      return { world: { ...world, runs: [...world.runs, newRun(event)] }, replies: none };
    case 'runner.credit':
      return {
        world: changeRun(world, event, (run) => ({
          ...run,
          held: false,
          credit: {
            blocks: run.credit.blocks + event.credit.blocks,
            bytes: run.credit.bytes + event.credit.bytes,
          },
        })),
        replies: none,
      };
    case 'runner.cancel':
    case 'runner.finish':
      return {
        world: changeRun(world, event, (run) => ({ ...run, held: false, cancelled: true })),
        replies: none,
      };
    case 'runner.close':
      if (world.runs.length > 0) throw new Error('L4: the runner is closed with runs under way');
      return {
        world,
        replies: [
          { to: pathOf(event.replyTo), event: { type: 'runner.closed', now: 0, failures: [] } },
        ],
      };
    case 'runner.abandon':
      return { world, replies: none };
    case 'store.retain':
      return { world: retain(world, event.refs, event.count), replies: none };
    case 'store.release':
      return release(world, event.refs);
    case 'store.setLimit':
      return { world, replies: none };
    case 'store.poll':
      return {
        world: { ...world, released: new Map(), storeTold: false },
        replies: [
          {
            to: pathOf(event.replyTo),
            event: { type: 'store.report', released: world.released, spill: noSpill },
          },
        ],
      };
    case 'clock.cycle':
      if (world.cycleAsked) throw new Error('S11: a second cycle is asked for');
      return { world: { ...world, cycleAsked: true }, replies: none };
    case 'clock.wake': {
      const alarm = { to: pathOf(event.replyTo), event: event.event as Message };
      return {
        world: { ...world, alarms: new Map(world.alarms).set(event.key, alarm) },
        replies: none,
      };
    }
    case 'clock.cancel': {
      const alarms = new Map(world.alarms);
      alarms.delete(event.key);
      return { world: { ...world, alarms }, replies: none };
    }
    case 'outlet.deliver':
      return { world: { ...world, delivered: [...world.delivered, ...event.refs] }, replies: none };
    case 'outlet.poll':
      return {
        world,
        replies: [
          {
            to: pathOf(event.replyTo),
            event: {
              type: 'outlet.report',
              held: world.delivered.length,
              waits: world.delivered.length === 0,
              burying: 0,
            },
          },
        ],
      };
    case 'outlet.deadLetter':
      return release(world, [event.letter.input]);
    case 'outlet.close': {
      const rest = event.outcome === 'done' ? [] : world.delivered;
      const next = release({ ...world, closed: true }, rest);
      const delivered = event.outcome === 'done' ? world.delivered : [];
      const closed =
        event.replyTo === undefined
          ? []
          : [{ to: pathOf(event.replyTo), event: { type: 'outlet.closed' } }];
      return { world: { ...next.world, delivered }, replies: [...next.replies, ...closed] };
    }
    case 'outlet.abandon': {
      const next = release(world, world.delivered);
      const { length: blocks } = world.delivered;
      const { reason } = event;
      const abandoned =
        event.replyTo === undefined
          ? []
          : [{ to: pathOf(event.replyTo), event: { type: 'outlet.abandoned', blocks, reason } }];
      return {
        world: { ...next.world, delivered: [] },
        replies: [...next.replies, ...abandoned],
      };
    }
  }
}

/** Everything the world could do next. */
export function choices(world: World, config: ModelConfig): Choice[] {
  const possible: Choice[] = [];
  if (world.opened && world.blocks.size === 0 && world.taken.length === 0 && !world.closed) {
    possible.push(open({ ...world, opened: false }, config));
  }
  if (world.cycleAsked) {
    possible.push({
      name: 'cycle',
      from: 'clock',
      world: { ...world, cycleAsked: false },
      replies: [{ to: SUPERVISOR, event: { type: 'cycle', now: 0 } }],
    });
  }
  for (const [key, { to, event }] of world.alarms) {
    const alarms = new Map(world.alarms);
    alarms.delete(key);
    possible.push({
      name: `alarm ${key}`,
      from: 'clock',
      world: { ...world, alarms },
      replies: [{ to, event }],
    });
  }
  world.runs.forEach((run, index) => {
    possible.push(...stepsOf(world, run, index, config));
  });
  const [first, ...rest] = world.delivered;
  if (first !== undefined) {
    const taken = [...world.taken, first.lineage];
    if (world.taken.includes(first.lineage)) throw new Error(`S6: ${first.lineage} came twice`);
    const after = release({ ...world, delivered: rest, taken }, [first]);
    const demand = { to: SUPERVISOR, event: { type: 'consumer.demand', blocks: 1 } };
    possible.push({
      name: 'consume',
      from: 'outlet',
      world: after.world,
      replies: world.closed ? after.replies : [...after.replies, demand],
    });
  }
  if (world.mayCancel) {
    possible.push({
      name: 'cancel',
      from: 'user',
      world: { ...world, mayCancel: false },
      replies: [{ to: SUPERVISOR, event: { type: 'run.cancel', reason: 'model' } }],
    });
  }
  if (world.mayPause) {
    possible.push({
      name: 'pause',
      from: 'user',
      world: {
        ...world,
        mayPause: false,
        alarms: new Map(world.alarms).set('resume', {
          to: SUPERVISOR,
          event: { type: 'run.resume' },
        }),
      },
      replies: [{ to: SUPERVISOR, event: { type: 'run.pause' } }],
    });
  }
  return possible;
}

function open(world: World, config: ModelConfig): Choice {
  const split: BlockRef = { id: 0, lineage: '0', producer: NOBODY, numRows: 1, sizeBytes: 0 };
  const demand = { to: SUPERVISOR, event: { type: 'consumer.demand', blocks: config.demand } };
  return {
    name: 'open',
    from: 'runner',
    world: put(world, split),
    replies: [
      { to: SUPERVISOR, event: { type: 'runner.opened', now: 0, splits: new Map([[0, [split]]]) } },
      demand,
    ],
  };
}

/** What one run could do next: yield, end, fail, or notice that it has no credit. */
function stepsOf(world: World, run: ModelRun, index: number, config: ModelConfig): Choice[] {
  const [input] = run.inputs;
  const name = `${config.plan.operators[run.operator]?.name ?? ''} ${input?.lineage ?? ''}`;
  const without = world.runs.filter((_, other) => other !== index);
  const replace = (next: ModelRun): World => ({
    ...world,
    runs: world.runs.map((other, at) => (at === index ? next : other)),
  });
  const delta = {
    run: run.run,
    now: 0,
    busyMs: config.plan.operators[run.operator]?.taskMs ?? 0,
    droppedRows: [],
  };
  const tell = (event: Message): Sent[] => [{ to: run.replyTo, event }];

  if (run.cancelled || input === undefined) {
    const end = {
      type: 'run.end',
      ...delta,
      outputs: [],
      consumed: 0,
      partial: run.yielded,
      satisfied: false,
    };
    return [
      {
        name: `${name} ends`,
        from: 'runner',
        world: { ...world, runs: without },
        replies: tell(end),
      },
    ];
  }
  const steps: Choice[] = [];
  if (world.failures > 0 && run.operator > 0) {
    const error = { type: 'run.error', ...delta, outputs: [], consumed: 0, partial: run.yielded };
    steps.push({
      name: `${name} fails`,
      from: 'runner',
      world: { ...world, runs: without, failures: world.failures - 1 },
      replies: tell({ ...error, error: 'failed', retryAfter: 0 }),
    });
  }
  const outputs = run.operator === 0 ? config.inputs : config.outputs;
  if (run.yielded < outputs) {
    if (run.yielded < run.skip) {
      // Yielded by an attempt before this one: the block is out already.
      steps.push({
        name: `${name} skips`,
        from: 'runner',
        world: replace({ ...run, yielded: run.yielded + 1 }),
        replies: [],
      });
      return steps;
    }
    const blocks = Math.max(0, 1 - run.credit.blocks);
    const bytes = ROW_BYTES - run.credit.bytes;
    if (blocks > 0 || bytes > 0) {
      if (run.held) return steps;
      const held = { blocks, bytes };
      const progress = {
        type: 'run.progress',
        ...delta,
        outputs: [],
        consumed: 0,
        partial: run.yielded,
        held,
      };
      steps.push({
        name: `${name} holds`,
        from: 'runner',
        world: replace({ ...run, held: true }),
        replies: tell(progress),
      });
      return steps;
    }
    const lineage = childLineage(input.lineage, run.yielded);
    const ref: BlockRef = {
      id: 0,
      lineage,
      producer: run.operator,
      numRows: 1,
      sizeBytes: ROW_BYTES,
    };
    const yielded = run.yielded + 1;
    const credit = { blocks: run.credit.blocks - 1, bytes: run.credit.bytes - ROW_BYTES };
    const progress = {
      type: 'run.progress',
      ...delta,
      outputs: [ref],
      consumed: 0,
      partial: yielded,
    };
    steps.push({
      name: `${name} yields`,
      from: 'runner',
      world: put(replace({ ...run, yielded, credit }), ref),
      replies: tell(progress),
    });
    return steps;
  }
  const next = { ...run, inputs: run.inputs.slice(1), yielded: 0, skip: 0 };
  if (next.inputs.length > 0) {
    const progress = { type: 'run.progress', ...delta, outputs: [], consumed: 1, partial: 0 };
    steps.push({
      name: `${name} is done`,
      from: 'runner',
      world: replace(next),
      replies: tell(progress),
    });
    return steps;
  }
  const end = { type: 'run.end', ...delta, outputs: [], consumed: 1, partial: 0, satisfied: false };
  steps.push({
    name: `${name} is done`,
    from: 'runner',
    world: { ...world, runs: without },
    replies: tell(end),
  });
  return steps;
}

function newRun({ replyTo, operator, run, inputs, skip, credit }: RunnerRun): ModelRun {
  return {
    replyTo: pathOf(replyTo),
    operator,
    run,
    inputs,
    skip,
    yielded: 0,
    credit,
    held: false,
    cancelled: false,
  };
}

function changeRun(
  world: World,
  { replyTo, run }: { readonly replyTo: unknown; readonly run: number },
  change: (run: ModelRun) => ModelRun,
): World {
  return {
    ...world,
    runs: world.runs.map((other) =>
      other.replyTo === pathOf(replyTo) && other.run === run ? change(other) : other,
    ),
  };
}

function put(world: World, ref: BlockRef): World {
  const key = blockKey(ref);
  if (world.blocks.has(key)) throw new Error(`S4: block ${key} is published twice`);
  return { ...world, blocks: new Map(world.blocks).set(key, { ref, holders: 1 }) };
}

function retain(world: World, refs: readonly BlockRef[], count: number): World {
  const blocks = new Map(world.blocks);
  for (const ref of refs) {
    const block = blocks.get(blockKey(ref));
    if (block === undefined) throw new Error(`S13: ${ref.lineage} is retained after its end`);
    blocks.set(blockKey(ref), { ...block, holders: block.holders + count });
  }
  return { ...world, blocks };
}

function release(
  world: World,
  refs: readonly BlockRef[],
): { world: World; replies: readonly Sent[] } {
  const blocks = new Map(world.blocks);
  const released = new Map(world.released);
  let freed = false;
  for (const ref of refs) {
    const key = blockKey(ref);
    const block = blocks.get(key);
    if (block === undefined) throw new Error(`S13: ${ref.lineage} is released twice`);
    if (block.holders > 1) {
      blocks.set(key, { ...block, holders: block.holders - 1 });
      continue;
    }
    blocks.delete(key);
    const { producer, sizeBytes } = block.ref;
    if (producer === NOBODY) continue;
    released.set(producer, (released.get(producer) ?? 0) + sizeBytes);
    freed = true;
  }
  const tells = freed && !world.storeTold;
  return {
    world: { ...world, blocks, released, storeTold: world.storeTold || freed },
    replies: tells ? [{ to: SUPERVISOR, event: { type: 'store.changed' } }] : [],
  };
}

/** Blocks are known by the lineage they were made with; branches of a fan-out share it. */
export function blockKey({ lineage, producer }: BlockRef): string {
  const depth = producer === NOBODY ? 1 : producer + 2;
  return lineage.split('.').slice(0, depth).join('.');
}
