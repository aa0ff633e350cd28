/** What is explored: small pipelines under small budgets, with and without trouble. */
import type { Budget } from '../../src/index.ts';
import { mostDownstream, pipeline } from '../../src/index.ts';
import { resolveBudget } from '../../src/budget.ts';
import { planPipeline } from '../../src/plan.ts';
import type { Plan } from '../../machines/plan.ts';
import type { SupervisorInput } from '../../machines/supervisor/supervisor.protocol.ts';

export interface ModelSize {
  /** Operators behind the source. */
  readonly operators: number;
  /** Blocks the source yields. */
  readonly inputs: number;
  /** Blocks each task yields for one input. */
  readonly outputs?: number;
  readonly cpu: number;
  /** Blocks the budget of bytes holds. */
  readonly blocks: number;
  readonly retries?: number;
  readonly failures?: number;
  readonly onError?: 'fail' | 'skip';
  readonly cancel?: boolean;
  readonly pause?: boolean;
  readonly preserveOrder?: boolean;
  readonly queue?: number;
  readonly demand?: number;
}

export interface ModelConfig {
  readonly name: string;
  readonly plan: Plan;
  readonly input: SupervisorInput;
  readonly inputs: number;
  readonly outputs: number;
  readonly failures: number;
  readonly cancel: boolean;
  readonly pause: boolean;
  readonly demand: number;
  /** Every block must come out: nothing may be given up and nobody interferes. */
  readonly complete: boolean;
}

export function modelConfig(size: ModelSize): ModelConfig {
  const { operators, inputs, outputs = 1, cpu, blocks, retries = 0, failures = 0 } = size;
  const {
    onError = 'fail',
    cancel = false,
    pause = false,
    preserveOrder = false,
    demand = 2,
  } = size;
  const options = {
    preserveOrder,
    onError,
    retries: { count: retries, backoff: 0 },
    input: { blocks: 2 },
    ...(size.queue === undefined ? {} : { queue: { blocks: size.queue } }),
  };
  let flow = pipeline('model').fromBlocks<number>([]);
  for (let index = 0; index < operators; index++) {
    flow = flow.map((row) => row, { name: `op${String(index)}`, ...options });
  }
  const budget: Budget = { cpu, blockBytes: 8 * blocks };
  const resolved = resolveBudget(budget);
  const { plan } = planPipeline('model', flow.node, resolved, () => 0);
  return {
    name: JSON.stringify(size),
    plan,
    input: { plan, budget: resolved, ranking: mostDownstream, now: 0 },
    inputs,
    outputs,
    failures,
    cancel,
    pause,
    demand,
    complete: !cancel && failures <= retries,
  };
}
