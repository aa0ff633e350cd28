/** What lies on and at the end of the graph's lines: queues, and the consumer. */
import type { EdgeView, RunModel } from '../../../../run-model/index.ts';
import { bytes, count, duration, plural } from '../../view/format.ts';
import { attribute, svg, write } from '../svg.ts';

export const QUEUE = { width: 104, height: 32 } as const;
export const CONSUMER_SIZE = { width: 118, height: 58 } as const;

/** A queue, at the upper left corner that is given. */
export function drawQueue({ x, y }: { x: number; y: number }): {
  readonly root: SVGGElement;
  readonly update: (edge: EdgeView, numbers: boolean, line: SVGPathElement) => void;
} {
  const width = QUEUE.width - 16;
  const box = svg('rect', { class: 'queue-box', width: QUEUE.width, height: QUEUE.height, rx: 7 });
  const text = svg('text', {
    class: 'queue-text',
    x: QUEUE.width / 2,
    y: 15,
    'text-anchor': 'middle',
  });
  const frame = svg('rect', { class: 'queue-frame', x: 8, y: 21, width, height: 5, rx: 2.5 });
  const fill = svg('rect', { class: 'queue-fill', x: 8, y: 21, width: 0, height: 5, rx: 2.5 });
  const title = svg('title');
  const root = svg(
    'g',
    { class: 'queue', transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` },
    title,
    box,
    text,
    frame,
    fill,
  );
  return {
    root,
    update({ blocks, bytes: weight, fill: part, oldestMs }, numbers, line) {
      const level = part > 0.85 ? 'hot' : part > 0.6 ? 'warm' : blocks > 0 ? 'calm' : 'empty';
      attribute(root, 'class', `queue queue-${level}`);
      attribute(line, 'class', part >= 1 ? 'edge edge-full' : 'edge');
      attribute(fill, 'width', (width * part).toFixed(1));
      if (!numbers) return;
      const sign = level === 'hot' ? '! ' : '';
      write(text, level === 'empty' ? '' : `${sign}${count(blocks)} · ${bytes(weight)}`);
      const age = oldestMs === undefined ? '' : `, the oldest for ${duration(oldestMs)}`;
      write(
        title,
        `${plural(blocks, 'block')} waiting, ${bytes(weight)}, ${(100 * part).toFixed(0)} % full${age}`,
      );
    },
  };
}

/** Whoever takes what comes out. */
export function drawConsumer(): {
  readonly root: SVGGElement;
  readonly update: (model: RunModel, numbers: boolean) => void;
} {
  const title = svg('text', { class: 'card-title', x: 12, y: 23 }, 'consumer');
  const text = svg('text', { class: 'card-line', x: 12, y: 42 });
  const frame = svg('rect', { class: 'consumer-frame', ...CONSUMER_SIZE, rx: 29 });
  const root = svg('g', { class: 'consumer', role: 'img' }, frame, title, text);
  attribute(title, 'x', 59);
  attribute(text, 'x', 59);
  attribute(title, 'text-anchor', 'middle');
  attribute(text, 'text-anchor', 'middle');
  return {
    root,
    update({ consumer }, numbers) {
      if (!numbers) return;
      const doing = consumer.waits
        ? 'waits'
        : consumer.held > 0
          ? `holds ${count(consumer.held)}`
          : '';
      write(text, `${count(consumer.rows)} rows${doing === '' ? '' : ` · ${doing}`}`);
      attribute(
        root,
        'aria-label',
        `consumer, has got ${plural(consumer.rows, 'row')}${consumer.waits ? ', waits for more' : ''}`,
      );
    },
  };
}
