/**
 * How a state looks: a glyph, a border, a word and a colour, so that colour never carries it alone.
 * Borders and colours are CSS (`state-running`, `--state-running`), one value in each theme.
 */
import type { OperatorLook } from '../../../run-model/index.ts';

export interface StateLook {
  readonly look: OperatorLook;
  readonly glyph: string;
  /** What it means, in words. */
  readonly meaning: string;
}

/** The looks of the graph, in the order of the legend. */
export const LOOKS: Readonly<Record<OperatorLook, StateLook>> = {
  idle: { look: 'idle', glyph: '○', meaning: 'no input' },
  running: { look: 'running', glyph: '▶', meaning: 'tasks run' },
  backpressured: { look: 'backpressured', glyph: '▲', meaning: 'could run, a limit says no' },
  blocked: { look: 'blocked', glyph: '■', meaning: 'output cannot leave' },
  draining: { look: 'draining', glyph: '◐', meaning: 'input is over, finishing' },
  done: { look: 'done', glyph: '✓', meaning: 'complete' },
  failed: { look: 'failed', glyph: '✕', meaning: 'failed' },
  held: { look: 'held', glyph: '‖', meaning: 'held by a person or a breakpoint' },
};

const BY_STATE: Readonly<Record<string, OperatorLook>> = {
  idle: 'idle',
  ready: 'idle',
  waiting: 'idle',
  starting: 'running',
  streaming: 'running',
  running: 'running',
  retrying: 'backpressured',
  saturated: 'backpressured',
  backpressured: 'backpressured',
  holding: 'blocked',
  draining: 'draining',
  closing: 'draining',
  delivering: 'draining',
  settling: 'draining',
  completed: 'done',
  done: 'done',
  failed: 'failed',
  cancelled: 'failed',
  paused: 'held',
};

/** The look of a chart's state by its name; of nested states (`running.polling`) the outermost decides. */
export function lookOfState(state: string): StateLook {
  const [outermost = ''] = state.split(/[. ]/);
  return LOOKS[BY_STATE[outermost] ?? (outermost === '' ? 'idle' : 'running')];
}
