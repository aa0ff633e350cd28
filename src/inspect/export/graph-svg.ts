/** The graph of a run as an SVG that stands alone: drawn without a browser, in columns from left to right. */
import { CONSUMER, edgesOf } from '../../run-model/graph.ts';
import type { OperatorModel, RunModel } from '../../run-model/model.ts';
import { bytesText, countText } from '../../run-model/quantities.ts';
import { lookOf, type OperatorLook } from '../../run-model/selectors.ts';
import { escape, short, svgDocument } from './svg-document.ts';

const WIDTH = 180;
const HEIGHT = 64;
const GAP_X = 110;
const GAP_Y = 36;
const MARGIN = 24;

/** Glyph, colour and dashes: each says it alone. */
const LOOKS: Readonly<
  Record<OperatorLook, readonly [glyph: string, colour: string, dash: string]>
> = {
  idle: ['○', '#5b6875', ''],
  running: ['▶', '#1f6feb', ''],
  backpressured: ['▲', '#9a5b00', '6 3'],
  blocked: ['■', '#b0246b', '2 3'],
  draining: ['◐', '#7a3fd0', ''],
  done: ['✓', '#1f7a34', ''],
  failed: ['✕', '#c5221f', ''],
  held: ['⏸', '#0b7285', '8 2 2 2'],
};

interface Place {
  readonly x: number;
  readonly y: number;
}

export function graphSvg(model: RunModel): string {
  const columns = columnsOf(model);
  const places = new Map<number, Place>();
  let height = 0;
  columns.forEach((column, x) => {
    column.forEach((index, y) => {
      places.set(index, {
        x: MARGIN + x * (WIDTH + GAP_X),
        y: MARGIN + y * (HEIGHT + GAP_Y),
      });
    });
    height = Math.max(height, column.length);
  });
  const width = 2 * MARGIN + columns.length * (WIDTH + GAP_X) - GAP_X;
  const nodes = [...places].map(([index, place]) => {
    const operator = model.operators[index];
    return operator === undefined ? consumerNode(place) : node(model, operator, place);
  });
  const size = { width, height: 2 * MARGIN + height * (HEIGHT + GAP_Y) - GAP_Y };
  const { name } = model.plan;
  const title = model.why.text === '' ? name : `${name}: ${model.why.text}`;
  return svgDocument(size, title, [...edges(model, places), ...nodes]);
}

/** Operators by their distance from the end; the consumer is last. */
function columnsOf(model: RunModel): readonly (readonly number[])[] {
  const { operators } = model.plan;
  const isConsumed = operators.some(({ edges: ends }) => ends.some(({ to }) => to === CONSUMER));
  const deepest = Math.max(0, ...operators.map(({ depth }) => depth));
  const columns: number[][] = Array.from({ length: deepest + 1 }, () => []);
  for (const { index, depth } of operators) columns[deepest - depth]?.push(index);
  return isConsumed ? [...columns, [CONSUMER]] : columns;
}

function node(model: RunModel, operator: OperatorModel, { x, y }: Place): string {
  const look = lookOf(model, operator);
  const [glyph, colour, dash] = LOOKS[look];
  const { active, done, maxConcurrency } = operator.figures;
  const stroke = `stroke="${colour}" stroke-width="${look === 'failed' ? '3' : '2'}"${dash === '' ? '' : ` stroke-dasharray="${dash}"`}`;
  return [
    `<g transform="translate(${String(x)} ${String(y)})">`,
    `<rect width="${String(WIDTH)}" height="${String(HEIGHT)}" rx="6" fill="#ffffff" ${stroke}/>`,
    `<text x="10" y="20" fill="#1c2128" font-weight="600">${escape(short(operator.name, 22))}</text>`,
    `<text x="10" y="38" fill="${colour}">${glyph} ${look}</text>`,
    `<text x="10" y="55" fill="#444c56">${String(active)} of ${String(maxConcurrency)} tasks, ${String(done)} done</text>`,
    '</g>',
  ].join('');
}

function consumerNode({ x, y }: Place): string {
  const middle = String(y + HEIGHT / 2);
  return `<g><circle cx="${String(x + 40)}" cy="${middle}" r="34" fill="#ffffff" stroke="#5b6875"/><text x="${String(x + 40)}" y="${String(y + HEIGHT / 2 + 4)}" text-anchor="middle" fill="#1c2128">consumer</text></g>`;
}

function edges(model: RunModel, places: ReadonlyMap<number, Place>): readonly string[] {
  return edgesOf(model).flatMap(({ from, to, shared, blocks, bytes }) => {
    const start = places.get(from);
    const end = places.get(to);
    if (start === undefined || end === undefined) return [];
    const [x1, y1] = [start.x + WIDTH, start.y + HEIGHT / 2];
    const [x2, y2] = [end.x, end.y + HEIGHT / 2];
    const middle = (x1 + x2) / 2;
    const dash = shared ? ' stroke-dasharray="4 4"' : '';
    const path = `M${String(x1)} ${String(y1)} C${String(middle)} ${String(y1)} ${String(middle)} ${String(y2)} ${String(x2)} ${String(y2)}`;
    const label =
      blocks === 0
        ? ''
        : `<text x="${String(middle)}" y="${String((y1 + y2) / 2 - 6)}" text-anchor="middle" fill="#444c56" font-size="11">${countText(blocks, 'block')}, ${bytesText(bytes)}</text>`;
    return [`<path d="${path}" fill="none" stroke="#5b6875"${dash}/>${label}`];
  });
}
