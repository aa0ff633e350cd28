/** The lanes of the timeline: one for each slot of each operator, below each other. */
import type { OperatorModel, TaskBar } from '../../../../run-model/index.ts';
import { plain } from '../../view/format.ts';
import { fitText } from '../svg.ts';
import type { GanttColours } from './colours.ts';
import { LABELS } from './time-scale.ts';

/** Height of the ruler above the lanes. */
export const RULER = 26;
export const FONT = '12px system-ui, sans-serif';
const OPERATOR_GAP = 8;
const [LOWEST, HIGHEST] = [7, 28];

export interface Lane {
  readonly operator: number;
  readonly slot: number;
  /** Of its upper edge, before anything is scrolled. */
  readonly y: number;
}

export interface Lanes {
  readonly list: readonly Lane[];
  /** By operator: where its lanes begin in the list, and how many there are. */
  readonly first: readonly number[];
  readonly slots: readonly number[];
  /** Of each lane. */
  readonly height: number;
  readonly bottom: number;
}

export const NO_LANES: Lanes = { list: [], first: [], slots: [], height: HIGHEST, bottom: 0 };

/** As high as there is room for, so that all can be seen as long as they are not too many. */
export function placeLanes(
  operators: number,
  tasks: readonly TaskBar[],
  canvasHeight: number,
): Lanes {
  const slots = Array.from({ length: operators }, () => 1);
  for (const { operator, slot } of tasks) {
    if (slot >= (slots[operator] ?? Infinity)) slots[operator] = slot + 1;
  }
  const all = slots.reduce((sum, number) => sum + number, 0);
  const room = canvasHeight - RULER - OPERATOR_GAP * operators - 10;
  const height = Math.max(LOWEST, Math.min(HIGHEST, room / Math.max(1, all)));
  const list: Lane[] = [];
  let y = RULER + 6;
  const first = slots.map((number, operator) => {
    const begin = list.length;
    for (let slot = 0; slot < number; slot += 1) {
      list.push({ operator, slot, y });
      y += height;
    }
    y += OPERATOR_GAP;
    return begin;
  });
  return { list, first, slots, height, bottom: y };
}

const fitted = new Map<string, string>();

/** A name as it fits; measuring it each time would cost more than all else that is drawn of it. */
function fittedName(name: string): string {
  let text = fitted.get(name);
  if (text === undefined) {
    if (fitted.size > 2000) fitted.clear();
    text = fitText(plain(name), LABELS - 22, FONT);
    fitted.set(name, text);
  }
  return text;
}

/** The ground of each operator's lanes, and its name. */
export function drawLanes(
  on: CanvasRenderingContext2D,
  { list, first, slots, height }: Lanes,
  operators: readonly OperatorModel[],
  {
    width,
    scroll,
    selected,
    colours,
  }: {
    readonly width: number;
    readonly scroll: number;
    readonly selected: string | undefined;
    readonly colours: GanttColours;
  },
): void {
  on.textBaseline = 'middle';
  for (const { name, index } of operators) {
    const top = list[first[index] ?? -1];
    if (top === undefined) continue;
    const y = top.y - scroll;
    on.fillStyle = name === selected ? colours.accentSoft : colours.panel;
    on.fillRect(0, y - 3, width, (slots[index] ?? 1) * height + 4);
    on.fillStyle = colours.text;
    on.fillText(fittedName(name), 12, y + Math.max(6, height / 2));
  }
}
