/** Runs in virtual time, recorded: the same events whenever and wherever they are made. */
import {
  pipeline,
  type Flow,
  type Run,
  type RunEvent,
  type StartOptions,
} from '../../../src/index.ts';
import { simEnv, type SimEnv } from '../../../src/testing.ts';

/** Records a run until so many milliseconds have passed, or until its end. The text of a recording. */
export async function record<T>(
  make: (env: SimEnv) => Flow<T>,
  options: StartOptions = {},
  untilMs?: number,
  consume: (run: Run<T>, env: SimEnv) => Promise<unknown> = (run) => run.drain(),
): Promise<string> {
  const env = simEnv(7);
  const lines: string[] = [];
  let isOver = false;
  const run = make(env).start({
    ...options,
    env,
    onEvent: (event: RunEvent) => {
      if (!isOver) lines.push(JSON.stringify(event));
    },
  });
  const drained = consume(run, env).catch(() => undefined);
  if (untilMs === undefined) await env.drive(drained);
  else await env.advance(untilMs);
  isOver = true;
  if (untilMs !== undefined) {
    await env.drive(run.cancel('recorded'));
    await env.drive(drained);
  }
  const header = { format: 'sluice-recording', version: 1, name: run.name, startedAt: 1.7e12 };
  return [JSON.stringify(header), ...lines, ''].join('\n');
}

interface Order {
  readonly id: number;
  readonly customer: number;
  readonly total: number;
}

/** A pipeline with something of everything: a slow stage, retries, a fan-out, a budget that is tight. */
export function orders(env: SimEnv): Flow<Order> {
  let attempts = 0;
  return pipeline('orders')
    .from(
      Array.from({ length: 6000 }, (_, id) => ({ id, customer: id % 97, total: (id * 37) % 500 })),
      { rowsPerBlock: 20 },
    )
    .mapBlocks(
      async (rows: readonly Order[]) => {
        await env.sleep(8);
        return rows;
      },
      { name: 'parse', resources: { cpu: 1, memory: 100 }, maxConcurrency: 4 },
    )
    .mapBlocks(
      async (rows: readonly Order[]) => {
        await env.sleep(40);
        return rows;
      },
      { name: 'enrich', resources: { cpu: 1, memory: 400 }, maxConcurrency: 4 },
    )
    .mapBlocks(
      async (rows: readonly Order[]) => {
        await env.sleep(12);
        attempts += 1;
        if (attempts % 23 === 0) throw new Error('the scoring service said 503');
        return rows;
      },
      {
        name: 'score',
        resources: { cpu: 1, memory: 200 },
        maxConcurrency: 2,
        retries: { count: 4, backoff: 60 },
      },
    );
}

export const ORDERS_BUDGET = { cpu: 6, memory: 1400, blockBytes: 4_000_000 } as const;
