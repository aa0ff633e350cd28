/** How states look in a terminal: a glyph and a colour beside the word, never in its place. */
import type { Style } from './terminal-text.ts';

interface Look {
  readonly glyph: string;
  readonly style: Style;
}

const LOOKS: Readonly<Record<string, Look>> = {
  idle: { glyph: '○', style: 'dim' },
  ready: { glyph: '◇', style: 'cyan' },
  running: { glyph: '●', style: 'green' },
  paused: { glyph: '◇', style: 'yellow' },
  backpressured: { glyph: '◐', style: 'yellow' },
  draining: { glyph: '◌', style: 'cyan' },
  closing: { glyph: '◌', style: 'cyan' },
  settling: { glyph: '◌', style: 'cyan' },
  completed: { glyph: '✔', style: 'dim' },
  done: { glyph: '✔', style: 'green' },
  failed: { glyph: '✖', style: 'red' },
  cancelled: { glyph: '⊘', style: 'yellow' },
};

/** The look of a state of a run or of an operator. */
export function lookOf(state: string): Look {
  return LOOKS[state] ?? { glyph: '·', style: 'dim' };
}
