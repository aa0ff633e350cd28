/**
 * A statechart as an SVG, drawn without a browser: states are boxes inside of each other, and what leads
 * from one to another stands in it as text, so that nothing crosses anything.
 */
import type {
  MachineDefinition,
  StateDefinition,
  TransitionDefinition,
} from '../../../machines/machine-definition.ts';
import {
  FAINT,
  INK,
  LETTER,
  LINE,
  number,
  PAPER,
  short,
  svgDocument,
  svgText,
} from './svg-document.ts';

const LINE_HEIGHT = 17;
const PADDING = 10;
const GAP = 10;
const LETTERS = 90;
const ACTIVE = '#1f6feb';

/** A state with its size, and how to draw it at a place. */
interface Box {
  readonly width: number;
  readonly height: number;
  readonly draw: (x: number, y: number) => readonly string[];
}

/** `state` (as in `ActorModel.state`) is marked when it is given. */
export function chartSvg({ id, description, root }: MachineDefinition, state = ''): string {
  const active = new Set(
    state
      .split(' ')
      .flatMap((path) => path.split('.').map((_name, end, all) => all.slice(0, end + 1).join('.'))),
  );
  const box = boxOf({ ...root, name: id }, undefined, active);
  const size = { width: box.width + 2 * GAP, height: box.height + 2 * GAP };
  const told = [description, state === '' ? undefined : `in ${state}`].filter(
    (part) => part !== undefined,
  );
  return svgDocument(size, [id, ...told].join(': '), box.draw(GAP, GAP));
}

function boxOf(
  state: StateDefinition,
  parent: StateDefinition | undefined,
  active: ReadonlySet<string>,
): Box {
  const isActive = state.id !== '' && active.has(state.id);
  const title = `${isActive ? '▶ ' : ''}${state.name}${marksOf(state, parent)}`;
  const lines = linesOf(state).map((line) => short(line, LETTERS));
  const children = state.states.map((child) => boxOf(child, state, active));
  const isSideways = state.type === 'parallel';
  const inner = arrange(children, isSideways);
  const textWidth = LETTER * Math.max(title.length * 1.1, ...lines.map(({ length }) => length));
  const textHeight = LINE_HEIGHT * (1 + lines.length);
  const width = 2 * PADDING + Math.max(120, textWidth, inner.width);
  const height = 2 * PADDING + textHeight + (children.length === 0 ? 0 : GAP + inner.height);
  return {
    width,
    height,
    draw(x, y) {
      const dash = parent?.type === 'parallel' ? ' stroke-dasharray="6 3"' : '';
      const stroke = isActive ? `stroke="${ACTIVE}" stroke-width="3"` : `stroke="${LINE}"`;
      return [
        `<rect x="${number(x)}" y="${number(y)}" width="${number(width)}" height="${number(height)}" rx="6" fill="${PAPER}" ${stroke}${dash}/>`,
        svgText(x + PADDING, y + PADDING + 11, title, `fill="${INK}" font-weight="600"`),
        ...lines.map((line, index) =>
          svgText(
            x + PADDING,
            y + PADDING + 11 + LINE_HEIGHT * (index + 1),
            line,
            `fill="${FAINT}" font-size="12"`,
          ),
        ),
        ...children.flatMap((child, index) => {
          const [left = 0, top = 0] = inner.places[index] ?? [];
          return child.draw(x + PADDING + left, y + PADDING + textHeight + GAP + top);
        }),
      ];
    },
  };
}

/** What is parallel side by side, all else one below the other. */
function arrange(
  boxes: readonly Box[],
  isSideways: boolean,
): {
  readonly width: number;
  readonly height: number;
  readonly places: readonly (readonly [x: number, y: number])[];
} {
  let along = 0;
  const places = boxes.map(({ width, height }): readonly [number, number] => {
    const place = along;
    along += (isSideways ? width : height) + GAP;
    return isSideways ? [place, 0] : [0, place];
  });
  const length = Math.max(0, along - GAP);
  const across = Math.max(0, ...boxes.map(({ width, height }) => (isSideways ? height : width)));
  return isSideways
    ? { width: length, height: across, places }
    : { width: across, height: length, places };
}

function marksOf({ id, type }: StateDefinition, parent: StateDefinition | undefined): string {
  const marks = [
    ...(parent?.initial === id ? ['initial'] : []),
    ...(type === 'final' || type === 'parallel' || type === 'history' ? [type] : []),
  ];
  return marks.length === 0 ? '' : ` (${marks.join(', ')})`;
}

function linesOf({ entry, exit, invoke, transitions }: StateDefinition): readonly string[] {
  const list = (what: string, names: readonly string[]): readonly string[] =>
    names.length === 0 ? [] : [`${what}: ${names.join(', ')}`];
  return [
    ...list('on entry', entry),
    ...list('on exit', exit),
    ...list('runs', invoke),
    ...transitions.map(lineOf),
  ];
}

function lineOf({ event, label, targets, guard, actions }: TransitionDefinition): string {
  const when = `${label ?? (event === '' ? 'at once' : event)}${guard === undefined ? '' : ` [${guard}]`}`;
  const to = targets.map((target) => (target === '' ? 'the root' : target)).join(', ');
  const does = actions.length === 0 ? '' : ` / ${actions.join(', ')}`;
  return `${when}${to === '' ? '' : ` → ${to}`}${does}`;
}
