/** From a machine's definition to boxes and lines: which states there are, which arrows, with which words. */
import type {
  MachineDefinition,
  StateDefinition,
  TransitionDefinition,
} from '../../../../machines/machine-definition.ts';
import type { BoxToPlace, Drawing } from '../layout/layout.ts';
import { plain } from '../view/format.ts';
import { textWidth } from './svg.ts';

export const STATE_FONT = '600 12.5px system-ui, sans-serif';
export const LABEL_FONT = '11px system-ui, sans-serif';
export const LINE_HEIGHT = 14;
export const HEADROOM = 34;
const MOST_LABELS = 4;

/** Arrows with the same ends are one, with several lines of text. */
export interface Arrow {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly transitions: readonly TransitionDefinition[];
  readonly lines: readonly string[];
}

export interface ChartParts {
  readonly drawing: Drawing;
  readonly states: ReadonlyMap<string, StateDefinition>;
  readonly arrows: readonly Arrow[];
  /** Ids of the dots from which initial arrows come, by box. */
  readonly dots: readonly string[];
}

export const ANY_STATE = '(any state)';

/** What there is to draw. The box of a state has the state's id; that of an initial dot `initial:<id>`. */
export function chartParts({ root }: MachineDefinition): ChartParts {
  const states = new Map<string, StateDefinition>();
  const arrows: Arrow[] = [];
  const dots: string[] = [];

  function visit(state: StateDefinition): void {
    if (state !== root) states.set(state.id, state);
    for (const child of state.states) visit(child);
    if (state.initial !== undefined && state.type !== 'parallel') {
      const dot = `initial:${state.id}`;
      dots.push(dot);
      arrows.push({ id: dot, from: dot, to: state.initial, transitions: [], lines: [] });
    }
    const from = state === root ? ANY_STATE : state.id;
    const grouped = new Map<string, TransitionDefinition[]>();
    for (const transition of state.transitions) {
      for (const to of transition.targets) {
        grouped.set(to, [...(grouped.get(to) ?? []), transition]);
      }
    }
    for (const [to, transitions] of grouped) {
      const words = transitions.map(transitionInWords);
      const shown = words.length > MOST_LABELS ? words.slice(0, MOST_LABELS - 1) : words;
      const rest = words.length - shown.length;
      arrows.push({
        id: `${from}>${to}`,
        from,
        to,
        transitions,
        lines: rest > 0 ? [...shown, `and ${String(rest)} more`] : shown,
      });
    }
  }
  visit(root);

  const boxes = [
    ...boxesIn(root),
    ...(arrows.some(({ from }) => from === ANY_STATE) ? [anyBox()] : []),
  ];
  return {
    states,
    arrows,
    dots,
    drawing: {
      boxes,
      lines: arrows
        .filter(({ to }) => states.has(to))
        .map(({ id, from, to, lines }) => ({
          id,
          from,
          to,
          ...(lines.length === 0 ? {} : { label: labelSize(lines) }),
        })),
      direction: 'down',
    },
  };
}

function boxesIn(parent: StateDefinition): BoxToPlace[] {
  const children = parent.states.map((state): BoxToPlace => {
    const width = Math.max(96, textWidth(state.name, STATE_FONT) + 46);
    const notes = stateNotes(state).length;
    return {
      id: state.id,
      width: Math.max(width, ...stateNotes(state).map((note) => textWidth(note, LABEL_FONT) + 24)),
      height: 40 + notes * LINE_HEIGHT,
      headroom: HEADROOM + notes * LINE_HEIGHT,
      children: boxesIn(state),
      ...(state.type === 'final' ? { rank: 'last' as const } : {}),
    };
  });
  if (parent.initial === undefined || parent.type === 'parallel') return children;
  return [{ id: `initial:${parent.id}`, width: 12, height: 12, rank: 'first' }, ...children];
}

function anyBox(): BoxToPlace {
  return { id: ANY_STATE, width: 84, height: 28, rank: 'first' };
}

/** What a state does besides being in it. */
export function stateNotes({ entry, exit, invoke }: StateDefinition): readonly string[] {
  return [
    ...(entry.length > 0 ? [`entry / ${plain(entry.join(', '), 60)}`] : []),
    ...(exit.length > 0 ? [`exit / ${plain(exit.join(', '), 60)}`] : []),
    ...invoke.map((name) => `invoke ${plain(name, 60)}`),
  ];
}

/** `run.end [isStale]` */
export function transitionInWords({ event, label, guard }: TransitionDefinition): string {
  const name = plain(label ?? (event === '' ? (guard === undefined ? 'always' : '') : event), 40);
  const condition = guard === undefined ? '' : `[${plain(guard, 40)}]`;
  return [name, condition].filter((part) => part !== '').join(' ');
}

function labelSize(lines: readonly string[]): { width: number; height: number } {
  return {
    width: Math.max(...lines.map((line) => textWidth(line, LABEL_FONT))) + 10,
    height: lines.length * LINE_HEIGHT + 4,
  };
}

/** Ids of all states that are active: `running.polling` is also `running`; parallel ones are apart by spaces. */
export function activeStates(value: string): ReadonlySet<string> {
  const active = new Set<string>();
  for (const path of value.split(' ')) {
    const parts = path.split('.');
    for (let end = 1; end <= parts.length; end += 1) active.add(parts.slice(0, end).join('.'));
  }
  return active;
}
