/** Groups of operators as one box of the graph each. */
import { expect, test } from 'vitest';
import { simEnv } from '../../actors/sim-env.ts';
import { pipeline, type RunEvent } from '../../src/index.ts';
import { modelOf } from '../../src/inspect/export/index.ts';
import { groupsOf, linkView, operatorOf, shapeOf } from '../../src/inspect/page/view/folding.ts';
import { CONSUMER, edgesOf, lookOf, type RunModel } from '../../src/run-model/index.ts';

/** Read, three stages of cleaning that end with a slow one, two of storing, and one that stands alone. */
async function watched(untilMs: number): Promise<RunModel> {
  const env = simEnv();
  const stage =
    (ms: number) =>
    async (rows: readonly number[]): Promise<readonly number[]> => {
      await env.sleep(ms);
      return rows;
    };
  const run = pipeline('folded')
    .from(
      Array.from({ length: 400 }, (_, row) => row),
      { rowsPerBlock: 1 },
    )
    .mapBlocks(stage(5), { name: 'clean/trim', maxConcurrency: 1 })
    .mapBlocks(stage(5), { name: 'clean/parse', maxConcurrency: 2 })
    .mapBlocks(stage(50), { name: 'clean/check', maxConcurrency: 1 })
    .mapBlocks(stage(5), { name: 'store/pack', maxConcurrency: 1 })
    .mapBlocks(stage(5), { name: 'store/write', maxConcurrency: 1 })
    .mapBlocks(stage(5), { name: 'alone/report', maxConcurrency: 1 })
    .start({ env, budget: { cpu: 8 } });
  const events: RunEvent[] = [];
  run.trace.subscribe((event) => events.push(event));
  const drained = run.drain().catch(() => undefined);
  await env.advance(untilMs);
  const model = modelOf([...events]);
  await env.drive(run.cancel());
  await env.drive(drained);
  return model;
}

test('a group is what the names of several operators begin with, up to a slash', async () => {
  const { plan } = await watched(10);
  expect(groupsOf(plan)).toEqual(['clean', 'store']);
});

test('folded, a group is one box, with one line to each neighbour', async () => {
  const { plan } = await watched(10);
  const all = shapeOf(plan, new Set());
  expect(all.nodes).toHaveLength(7);
  expect(all.links).toHaveLength(7);
  const { nodes, links } = shapeOf(plan, new Set(['clean', 'store']));
  expect(nodes.map(({ name, members }) => [name, members.length])).toEqual([
    ['source', 1],
    ['clean', 3],
    ['store', 2],
    ['alone/report', 1],
  ]);
  expect(links.map(({ from, to }) => [from, to])).toEqual([
    [0, 1],
    [1, 2],
    [2, 3],
    [3, CONSUMER],
  ]);
});

test('the box of a group says what its operators say together', async () => {
  const model = await watched(1200);
  const { nodes, links } = shapeOf(model.plan, new Set(['clean', 'store']));
  const clean = nodes[1] && operatorOf(model, nodes[1]);
  const members = model.operators.slice(1, 4);
  expect(clean?.name).toBe('clean');
  expect(clean?.figures.done).toBe(members.reduce((sum, { figures }) => sum + figures.done, 0));
  expect(clean?.figures.maxConcurrency).toBe(4);
  expect(clean && lookOf(model, clean)).toBe('running');
  const edges = edgesOf(model);
  const [first] = links;
  expect(first && linkView(first, edges)).toEqual(edges[0]);
  const alone = nodes[3] && operatorOf(model, nodes[3]);
  expect(alone).toBe(model.operators[6]);
});

test('a group is over when all of it is, and has failed when one of it has', async () => {
  const model = await watched(1200);
  const node = shapeOf(model.plan, new Set(['clean'])).nodes[1];
  const lookWith = (states: readonly string[]): string | undefined => {
    const operators = model.operators.map((operator, index) => ({
      ...operator,
      state: states[index - 1] ?? operator.state,
      doing: states[index - 1] === 'completed' ? 'over' : operator.doing,
      denial: undefined,
      figures: { ...operator.figures, active: 0, holding: 0 },
    }));
    const changed = { ...model, operators };
    const group = node && operatorOf(changed, node);
    return group && lookOf(changed, group);
  };
  expect(lookWith(['completed', 'completed', 'completed'])).toBe('done');
  expect(lookWith(['completed', 'failed', 'idle'])).toBe('failed');
  expect(lookWith(['completed', 'completed', 'idle'])).not.toBe('done');
});

test('a line of several edges has what waits on all, and the age of the oldest', async () => {
  const model = await watched(1200);
  const edges = edgesOf(model);
  const view = linkView({ from: 0, to: 1, edges: [0, 1, 2] }, edges);
  const three = edges.slice(0, 3);
  expect(view?.blocks).toBe(three.reduce((sum, { blocks }) => sum + blocks, 0));
  expect(view?.fill).toBe(Math.max(...three.map(({ fill }) => fill)));
  expect(view?.oldestMs).toBe(Math.max(...three.map(({ oldestMs = 0 }) => oldestMs)));
  expect(linkView({ from: 0, to: 1, edges: [99] }, edges)).toBeUndefined();
});
