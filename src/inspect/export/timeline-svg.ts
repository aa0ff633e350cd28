/** Tasks over time in an SVG, drawn without a browser: a lane for each place in an operator's pool. */
import type { RunModel, TaskBar } from '../../run-model/model.ts';
import { countText, durationText } from '../../run-model/quantities.ts';
import { escape, FAINT, INK, LINE, number, PAPER, svgDocument, svgText } from './svg-document.ts';

const WIDTH = 1000;
const NAMES = 190;
const LANE = 22;
const BAR = 14;
const RULER = 28;
const MARGIN = 12;
const TICKS = 5;

/** Height and colour: each says it alone. What waits is outlined, what runs is filled. */
const PHASES = {
  run: { height: BAR, fill: '#1f6feb' },
  hold: { height: BAR - 6, fill: PAPER },
  retry: { height: 2, fill: '#c5221f' },
} as const;

/** All tasks the model still has, and those under way. */
export function timelineSvg(model: RunModel): string {
  const running = model.operators.flatMap((operator) => operator.running);
  const bars = [...model.history.tasks.entries, ...running.filter((bar) => bar !== null)];
  const lanes = [...new Map(bars.map((bar) => [laneOf(bar), bar])).values()].sort(
    (a, b) => a.operator - b.operator || a.slot - b.slot,
  );
  const rows = new Map(lanes.map((bar, index) => [laneOf(bar), RULER + LANE * index]));
  const from = bars.reduce((first, { startedAt }) => Math.min(first, startedAt), model.at);
  const scale = WIDTH / Math.max(1, model.at - from);
  const xOf = (at: number): number => NAMES + (at - from) * scale;
  const size = {
    width: NAMES + WIDTH + 2 * MARGIN,
    height: RULER + LANE * lanes.length + MARGIN,
  };
  const names = lanes.map((bar) => {
    const { name = '' } = model.operators[bar.operator] ?? {};
    const y = (rows.get(laneOf(bar)) ?? 0) + BAR;
    return svgText(MARGIN, y, `${name} ${String(bar.slot)}`, `fill="${INK}" font-size="12"`, 26);
  });
  const title = `${model.plan.name}: ${countText(bars.length, 'task')} in ${durationText(model.at - from)}`;
  return svgDocument(size, title, [
    ...ruler(from, model.at, xOf, size.height - MARGIN),
    ...names,
    ...bars.map((bar) => barOf(bar, rows.get(laneOf(bar)) ?? 0, xOf, model.at)),
  ]);
}

function laneOf({ operator, slot }: TaskBar): string {
  return `${String(operator)} ${String(slot)}`;
}

function barOf(bar: TaskBar, top: number, xOf: (at: number) => number, now: number): string {
  const end = bar.endedAt ?? now;
  const phases = bar.phases.map(({ at, kind }, index) => {
    const { height, fill } = PHASES[kind];
    const [x, until] = [xOf(at), xOf(bar.phases[index + 1]?.at ?? end)];
    const stroke = kind === 'hold' ? ` stroke="#9a5b00"` : '';
    return `<rect x="${number(x)}" y="${number(top + 4 + (BAR - height) / 2)}" width="${number(Math.max(0.5, until - x))}" height="${String(height)}" fill="${fill}"${stroke}/>`;
  });
  const failed =
    bar.outcome === 'failed'
      ? svgText(xOf(end) + 2, top + BAR + 2, '✕', 'fill="#c5221f" font-size="11"')
      : '';
  const words = `task ${String(bar.task)}: ${bar.outcome ?? 'under way'}, ${durationText(end - bar.startedAt)}`;
  return `<g><title>${escape(words)}</title>${phases.join('')}${failed}</g>`;
}

function ruler(
  from: number,
  to: number,
  xOf: (at: number) => number,
  bottom: number,
): readonly string[] {
  return Array.from({ length: TICKS + 1 }, (_, tick) => {
    const at = from + ((to - from) * tick) / TICKS;
    const x = xOf(at);
    const anchor = tick === TICKS ? 'end' : 'middle';
    return [
      `<line x1="${number(x)}" y1="${String(RULER - 8)}" x2="${number(x)}" y2="${number(bottom)}" stroke="${LINE}" stroke-opacity="0.25"/>`,
      svgText(
        x,
        RULER - 12,
        durationText(at),
        `fill="${FAINT}" font-size="11" text-anchor="${anchor}"`,
      ),
    ].join('');
  });
}
