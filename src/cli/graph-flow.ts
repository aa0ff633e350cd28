/** `sluice graph`: shows the plan of a file's pipeline, without running it. */
import { liveEnv } from '../../actors/env.ts';
import { resolveBudget, type Budget } from '../budget.ts';
import { planPipeline } from '../plan.ts';
import { loadFlow } from './load-flow.ts';
import { planMermaid } from './plan-mermaid.ts';
import { planText } from './plan-text.ts';

export const GRAPH_FORMATS = ['text', 'mermaid'] as const;

export interface GraphOptions {
  readonly budget?: Budget;
  readonly export?: string;
  readonly format?: (typeof GRAPH_FORMATS)[number];
}

/** Returns the exit code. */
export async function graphFlow(file: string, options: GraphOptions): Promise<number> {
  const { budget = {}, format } = options;
  const flow = await loadFlow(file, options.export);
  const { plan } = planPipeline(flow.name, flow.node, resolveBudget(budget), liveEnv.random);
  const views = { text: planText(plan), mermaid: planMermaid(plan) };
  const shown = format === undefined ? GRAPH_FORMATS : [format];
  process.stdout.write(`${shown.map((name) => views[name]).join('\n\n')}\n`);
  return 0;
}
