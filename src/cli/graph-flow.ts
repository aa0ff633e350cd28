/** `sluice graph`: shows the plan of a file's pipeline, without running it. */
import { liveEnv } from '../../actors/env.ts';
import { resolveBudget, type Budget } from '../budget.ts';
import { planPipeline } from '../plan.ts';
import { loadFlow } from './load-flow.ts';
import { planMermaid } from './plan-mermaid.ts';
import { planSvg } from './plan-svg.ts';
import { planText } from './plan-text.ts';

export const GRAPH_FORMATS = ['text', 'mermaid', 'svg'] as const;
/** What is shown when no format is asked for. */
const READABLE = ['text', 'mermaid'] as const;

export interface GraphOptions {
  readonly budget?: Budget;
  readonly export?: string;
  readonly format?: (typeof GRAPH_FORMATS)[number];
}

/** Returns the exit code. */
export async function graphFlow(file: string, options: GraphOptions): Promise<number> {
  const { budget = {}, format } = options;
  const flow = await loadFlow(file, options.export);
  const resolved = resolveBudget(budget);
  const { plan } = planPipeline(flow.name, flow.node, resolved, liveEnv.random);
  const views = {
    text: () => planText(plan),
    mermaid: () => planMermaid(plan),
    svg: () => planSvg(plan, resolved),
  };
  const shown = format === undefined ? READABLE : [format];
  process.stdout.write(`${shown.map((name) => views[name]().trimEnd()).join('\n\n')}\n`);
  return 0;
}
