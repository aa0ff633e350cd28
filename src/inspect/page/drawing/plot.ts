/** One chart over time (uPlot), in the theme's colours. All charts of a page share one cursor. */
import uPlot from 'uplot';
import { clock } from '../view/format.ts';
import { paced } from './paced.ts';

export interface Series {
  readonly name: string;
  readonly values: readonly (number | null)[];
  /** Index of the colour; undefined: the colour of limits. */
  readonly colour: number | undefined;
  readonly dashed?: boolean;
}

export interface PlotData {
  readonly at: readonly number[];
  readonly series: readonly Series[];
}

export interface PlotOptions {
  readonly height: number;
  readonly format: (value: number) => string;
  readonly onPick: (at: number) => void;
  readonly onRange: (from: number, to: number) => void;
}

export interface Plot {
  /** The numbers are asked for when it is drawn: that is not with every update. */
  readonly update: (data: () => PlotData, range: readonly [number, number] | undefined) => void;
  readonly destroy: () => void;
}

const SYNC = 'sluice';
/** A chart rests so many times as long as it took to draw. */
const REST = 60;

/** Colours of operators: eight that can be told apart in both themes; the ninth begins anew, dashed. */
export const PALETTE = 8;

export function mountPlot(element: HTMLElement, options: PlotOptions): Plot {
  const { height, format, onPick, onRange } = options;
  let plot: uPlot | undefined;
  let shape = '';
  let width = 0;

  function build({ series }: PlotData): uPlot {
    const style = getComputedStyle(element);
    const read = (name: string): string => style.getPropertyValue(name).trim();
    const [line, dim] = [read('--line'), read('--dim')];
    const axis = {
      stroke: dim,
      grid: { stroke: line, width: 1 },
      ticks: { stroke: line, width: 1 },
      font: '11px system-ui, sans-serif',
    };
    return new uPlot(
      {
        width: Math.max(120, element.clientWidth),
        height,
        legend: { show: false },
        cursor: {
          sync: { key: SYNC },
          drag: { x: true, y: false, setScale: false },
          points: { size: 6 },
        },
        scales: {
          x: { time: false },
          y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] },
        },
        axes: [
          { ...axis, size: 26, values: (_plot, ticks) => ticks.map((at) => clock(at)), space: 80 },
          {
            ...axis,
            size: 64,
            values: (_plot, ticks) => ticks.map((value) => format(value)),
            space: 28,
          },
        ],
        series: [
          {},
          ...series.map(({ name, colour, dashed }) => ({
            label: name,
            stroke:
              colour === undefined ? read('--bad') : read(`--series-${String(colour % PALETTE)}`),
            // One pixel: without a graphics card, a wider line takes thirty times as long to draw.
            width: 1 / devicePixelRatio,
            points: { show: false },
            spanGaps: true,
            ...(dashed === true || colour === undefined || colour >= PALETTE
              ? { dash: [5, 4] }
              : {}),
          })),
        ],
        hooks: {
          setSelect: [
            (self) => {
              const { left, width: marked } = self.select;
              if (marked < 4) return;
              onRange(self.posToVal(left, 'x'), self.posToVal(left + marked, 'x'));
              self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      toColumns({ at: [], series }),
      element,
    );
  }

  const onClick = (event: MouseEvent): void => {
    if (plot === undefined || !(event.target instanceof Element)) return;
    if (event.target.closest('.u-over') === null) return;
    const { left } = plot.over.getBoundingClientRect();
    onPick(plot.posToVal(event.clientX - left, 'x'));
  };
  element.addEventListener('dblclick', onClick);
  const resized = new ResizeObserver(() => {
    if (plot === undefined || element.clientWidth === width) return;
    width = element.clientWidth;
    plot.setSize({ width: Math.max(120, width), height });
  });
  resized.observe(element);

  let latest: Parameters<Plot['update']> | undefined;
  const pace = paced(() => {
    if (latest !== undefined && isSeen) show(latest[0](), latest[1]);
  }, REST);
  let isSeen = true;
  const seen = new IntersectionObserver((changes) => {
    isSeen = changes.at(-1)?.isIntersecting ?? true;
    if (isSeen) pace.soon();
  });
  seen.observe(element);

  function show(data: PlotData, range: readonly [number, number] | undefined): void {
    const next = JSON.stringify(data.series.map(({ name, dashed }) => [name, dashed]));
    if (next !== shape || plot === undefined) {
      shape = next;
      plot?.destroy();
      plot = build(data);
      width = element.clientWidth;
    }
    const [from, to] = range ?? [data.at[0] ?? 0, data.at.at(-1) ?? 1];
    // In one go, so that what it costs is known when it returns.
    plot.batch((self: uPlot) => {
      self.setData(toColumns(data), false);
      self.setScale('x', { min: from, max: Math.max(to, from + 1) });
    });
  }

  return {
    update(data, range) {
      latest = [data, range];
      pace.soon();
    },
    destroy() {
      pace.cancel();
      element.removeEventListener('dblclick', onClick);
      resized.disconnect();
      seen.disconnect();
      plot?.destroy();
    },
  };
}

function toColumns({ at, series }: PlotData): uPlot.AlignedData {
  return [at.slice(), ...series.map(({ values }) => values.slice())];
}
