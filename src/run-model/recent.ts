/**
 * What an operator has been doing in the last while: a sum that forgets, so that what flickers between
 * two states is judged by the one it is in for most of the time.
 */
import type { OperatorModel } from './model.ts';

/** What happened so many milliseconds ago counts 1/e of what happens now. */
const MEMORY_MS = 2000;

/** Books what was done until `at`. */
export function noteRecent(operator: OperatorModel, at: number): void {
  operator.recent = recentAt(operator, at);
  operator.recentAt = at;
}

/** What the operator did most in the last while. */
export function chiefDoing(operator: OperatorModel, at: number): string {
  let chief = operator.doing;
  let most = 0;
  for (const [doing, weight] of Object.entries(recentAt(operator, at))) {
    if (weight <= most) continue;
    most = weight;
    chief = doing;
  }
  return chief;
}

function recentAt(operator: OperatorModel, at: number): Record<string, number> {
  const elapsed = Math.max(0, at - operator.recentAt);
  const left = Math.exp(-elapsed / MEMORY_MS);
  const recent: Record<string, number> = {};
  for (const [doing, weight] of Object.entries(operator.recent)) {
    if (weight * left > 1) recent[doing] = weight * left;
  }
  recent[operator.doing] = (recent[operator.doing] ?? 0) + MEMORY_MS * (1 - left);
  return recent;
}
