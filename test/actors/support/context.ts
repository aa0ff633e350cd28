/** What a transform is told, for transforms that are called without a runner. */
import type { TransformContext } from '../../../actors/transform.ts';

export function contextOf(parts: Partial<TransformContext> = {}): TransformContext {
  return {
    signal: new AbortController().signal,
    attempt: 1,
    lineage: '0',
    operator: 'work',
    log: () => undefined,
    progress: () => undefined,
    ...parts,
  };
}
