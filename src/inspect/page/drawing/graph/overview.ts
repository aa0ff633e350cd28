/**
 * A large graph from far away: boxes with the colour, the border and the glyph of their state, and the lines
 * between them, on a canvas. Words could not be read at that size.
 */
import { lookOf, type OperatorLook, type RunModel } from '../../../../run-model/index.ts';
import type { Layout } from '../../layout/layout.ts';
import { operatorOf, type GraphShape } from '../../view/folding.ts';
import { LOOKS } from '../../view/state-look.ts';
import type { View } from '../camera.ts';
import { CONSUMER_BOX } from './plan-drawing.ts';

export interface OverviewScene {
  readonly shape: GraphShape;
  readonly layout: Layout;
  readonly view: View;
  readonly model: RunModel;
  readonly selected: string | undefined;
}

/** Dashes of borders, in pixels; the others are solid. */
const DASHES: Partial<Record<OperatorLook, readonly number[]>> = {
  backpressured: [4, 2],
  blocked: [1.5, 2],
  draining: [9, 2],
  held: [5, 1.5, 1, 1.5],
};

export function drawOverview(canvas: HTMLCanvasElement, scene: OverviewScene): void {
  const on = canvas.getContext('2d');
  if (on === null) return;
  const { shape, layout, view, model, selected } = scene;
  const style = getComputedStyle(canvas);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const ratio = window.devicePixelRatio;
  canvas.width = Math.round(canvas.clientWidth * ratio);
  canvas.height = Math.round(canvas.clientHeight * ratio);
  on.setTransform(ratio, 0, 0, ratio, 0, 0);
  const toX = (x: number): number => view.x + x * view.scale;
  const toY = (y: number): number => view.y + y * view.scale;

  on.strokeStyle = colour('line-strong');
  on.lineWidth = 1 / ratio;
  on.beginPath();
  for (const { points } of layout.lines.values()) {
    points.forEach(({ x, y }, index) => {
      if (index === 0) on.moveTo(toX(x), toY(y));
      else on.lineTo(toX(x), toY(y));
    });
  }
  on.stroke();

  on.textAlign = 'center';
  on.textBaseline = 'middle';
  const raised = colour('raised');
  const accent = colour('accent-soft');
  shape.nodes.forEach((node, index) => {
    const place = layout.boxes.get(String(index));
    const operator = operatorOf(model, node);
    if (place === undefined || operator === undefined) return;
    const { look, glyph } = LOOKS[lookOf(model, operator)];
    const [x, y] = [toX(place.x), toY(place.y)];
    const [width, height] = [place.width * view.scale, place.height * view.scale];
    const isSelected = node.members.some((member) => model.operators[member]?.name === selected);
    on.fillStyle = isSelected ? accent : raised;
    on.fillRect(x, y, width, height);
    on.fillStyle = on.strokeStyle = colour(`state-${look}`);
    // Half of the box is its colour: a border alone would be too thin to be seen from here.
    on.globalAlpha = 0.3;
    on.fillRect(x, y, width, height);
    on.globalAlpha = 1;
    on.lineWidth = look === 'failed' ? 3 : node.isGroup ? 2 : 1;
    on.setLineDash([...(DASHES[look] ?? [])]);
    on.strokeRect(x, y, width, height);
    on.font = `${(height * 0.6).toFixed(1)}px system-ui, sans-serif`;
    on.fillText(glyph, x + width / 2, y + height / 2 + 1);
  });
  on.setLineDash([]);
  const consumer = layout.boxes.get(CONSUMER_BOX);
  if (consumer === undefined) return;
  const [width, height] = [consumer.width * view.scale, consumer.height * view.scale];
  on.beginPath();
  on.roundRect(toX(consumer.x), toY(consumer.y), width, height, height / 2);
  on.fillStyle = colour('panel');
  on.strokeStyle = colour('line-strong');
  on.lineWidth = 1;
  on.fill();
  on.stroke();
}

/** The box at a point of the screen. */
export function boxAt(layout: Layout, view: View, px: number, py: number): number | undefined {
  const [x, y] = [(px - view.x) / view.scale, (py - view.y) / view.scale];
  for (const [id, { x: left, y: top, width, height }] of layout.boxes) {
    const isInside = x >= left && x <= left + width && y >= top && y <= top + height;
    if (isInside && /^\d+$/.test(id)) return Number(id);
  }
  return undefined;
}

/** What a screen reader says of it. */
export function overviewLabel(shape: GraphShape, model: RunModel): string {
  const looks = new Map<OperatorLook, number>();
  for (const node of shape.nodes) {
    const operator = operatorOf(model, node);
    if (operator === undefined) continue;
    const look = lookOf(model, operator);
    looks.set(look, (looks.get(look) ?? 0) + 1);
  }
  const counts = [...looks].map(([look, number]) => `${String(number)} ${look}`).join(', ');
  return `Operators of the pipeline, too many for words: ${counts}. T shows them as a table, + zooms in`;
}
