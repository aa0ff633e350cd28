/**
 * Messages between actors as a sequence diagram: a lifeline for each actor, time downwards, one row a
 * message. Only the rows that can be seen are drawn, so it takes as many as there are.
 */
import { clockMs, plain } from '../view/format.ts';
import { attribute, fitText, svg } from './svg.ts';

export const ROW_HEIGHT = 24;
const COLUMN_WIDTH = 148;
const LEFT = 92;
const HEADER = 34;
const FONT = '11.5px system-ui, sans-serif';
const HEAD_FONT = '600 12px system-ui, sans-serif';

export interface SequenceRow {
  /** Number of the first message of the row; what is selected by it. */
  readonly seq: number;
  readonly at: number;
  /** Index of the lifeline; -1: from outside. */
  readonly from: number;
  readonly to: number;
  readonly type: string;
  /** Numbers of the messages: one, or several of the same kind one after the other. */
  readonly seqs: readonly number[];
  readonly refs: number;
}

export interface Sequence {
  readonly lifelines: readonly string[];
  readonly rows: readonly SequenceRow[];
  readonly selected: number | undefined;
  /** Messages that belong to the selected one; undefined: none is selected. */
  readonly chain: ReadonlySet<number> | undefined;
}

export interface SequenceDrawing {
  readonly update: (sequence: Sequence) => void;
  readonly destroy: () => void;
}

export function mountSequence(
  element: HTMLElement,
  onSelect: (seq: number | undefined) => void,
): SequenceDrawing {
  const spacer = document.createElement('div');
  const head = svg('svg', { class: 'sequence-head', height: HEADER, 'aria-hidden': 'true' });
  const body = svg('svg', { class: 'sequence-body', role: 'group', 'aria-label': 'Messages' });
  spacer.className = 'sequence-spacer';
  spacer.append(body);
  element.append(head, spacer);
  let sequence: Sequence = { lifelines: [], rows: [], selected: undefined, chain: undefined };
  let follows = true;
  let headKey = '';
  /** What a key has picked since the last update: the next one goes on from there. */
  let picked: number | undefined;

  function x(lifeline: number): number {
    return LEFT + lifeline * COLUMN_WIDTH + COLUMN_WIDTH / 2;
  }

  function drawHead(width: number): void {
    const key = JSON.stringify(sequence.lifelines);
    if (key === headKey) return;
    headKey = key;
    attribute(head, 'width', width);
    head.replaceChildren(
      ...sequence.lifelines.map((name, index) => {
        const text = svg(
          'text',
          { class: 'lifeline-name', x: x(index), y: 22, 'text-anchor': 'middle' },
          fitText(plain(name), COLUMN_WIDTH - 14, HEAD_FONT),
        );
        return svg(
          'g',
          {},
          svg('title', {}, plain(name)),
          svg('rect', {
            class: 'lifeline-head',
            x: x(index) - COLUMN_WIDTH / 2 + 5,
            y: 5,
            width: COLUMN_WIDTH - 10,
            height: 25,
            rx: 5,
          }),
          text,
        );
      }),
    );
  }

  function draw(): void {
    const { lifelines, rows } = sequence;
    const width = Math.max(
      element.clientWidth - 2,
      x(lifelines.length - 1) + COLUMN_WIDTH / 2 + 20,
    );
    const total = rows.length * ROW_HEIGHT + 12;
    spacer.style.height = `${String(total)}px`;
    spacer.style.width = `${String(width)}px`;
    drawHead(width);
    const view = Math.max(200, element.clientHeight - HEADER);
    if (follows) element.scrollTop = total;
    const top = Math.max(0, element.scrollTop);
    const first = Math.max(0, Math.floor(top / ROW_HEIGHT) - 4);
    const last = Math.min(rows.length, Math.ceil((top + view) / ROW_HEIGHT) + 4);
    const y0 = first * ROW_HEIGHT;
    body.style.transform = `translateY(${String(y0)}px)`;
    attribute(body, 'width', width);
    attribute(body, 'height', (last - first) * ROW_HEIGHT + 12);
    const lines = lifelines.map((_, index) =>
      svg('line', {
        class: 'lifeline',
        x1: x(index),
        x2: x(index),
        y1: 0,
        y2: (last - first) * ROW_HEIGHT + 12,
      }),
    );
    const drawn = rows.slice(first, last).map((row, index) => drawRow(row, index * ROW_HEIGHT));
    const focused = (body.getRootNode() as Document | ShadowRoot).activeElement;
    const focusedSeq = body.contains(focused)
      ? focused?.closest('[data-seq]')?.getAttribute('data-seq')
      : undefined;
    body.replaceChildren(...lines, ...drawn);
    if (typeof focusedSeq === 'string') {
      body
        .querySelector<SVGElement>(`[data-seq="${focusedSeq}"] .message-hit`)
        ?.focus({ preventScroll: true });
    }
  }

  function drawRow(row: SequenceRow, y: number): SVGGElement {
    const { seq, at, from, to, type, seqs, refs } = row;
    const times = seqs.length;
    const { selected, chain } = sequence;
    const [x1, x2] = [from < 0 ? LEFT - 8 : x(from), x(to)];
    const middle = y + ROW_HEIGHT - 6;
    const words = `${plain(type)}${times > 1 ? ` ×${String(times)}` : ''}${refs > 0 ? ` · ${String(refs)} ${refs === 1 ? 'ref' : 'refs'}` : ''}`;
    const tone =
      chain === undefined ? '' : seqs.some((one) => chain.has(one)) ? ' related' : ' unrelated';
    const isSelected = selected !== undefined && seqs.includes(selected);
    const who = `${lifelineName(from)} to ${lifelineName(to)}`;
    const group = svg(
      'g',
      {
        class: `message${isSelected ? ' selected' : ''}${tone}`,
        'data-seq': seq,
      },
      svg('rect', {
        class: 'message-hit',
        x: 0,
        y,
        width: '100%',
        height: ROW_HEIGHT,
        role: 'button',
        tabindex: isSelected ? 0 : -1,
        'aria-label': `${clockMs(at)}, ${words}, ${who}`,
      }),
      svg('text', { class: 'message-time', 'aria-hidden': 'true', x: 8, y: middle }, clockMs(at)),
    );
    const [labelX, room] =
      from === to
        ? [x2 + 26, COLUMN_WIDTH]
        : [(x1 + x2) / 2, Math.max(COLUMN_WIDTH - 16, Math.abs(x2 - x1) - 16)];
    if (from === to) {
      group.append(
        svg('path', {
          class: 'message-line',
          d: `M${String(x1)} ${String(middle - 9)}h18v9h-14`,
        }),
      );
      group.append(arrowAt(x1 + 3, middle, -1));
    } else {
      const towards = x2 > x1 ? 1 : -1;
      group.append(
        svg('line', { class: 'message-line', x1, x2: x2 - towards * 3, y1: middle, y2: middle }),
      );
      group.append(arrowAt(x2, middle, towards));
    }
    group.append(
      svg(
        'text',
        {
          class: 'message-text',
          'aria-hidden': 'true',
          x: labelX,
          y: middle - 4,
          ...(from === to ? {} : { 'text-anchor': 'middle' }),
        },
        fitText(words, room, FONT),
      ),
    );
    return group;
  }

  function lifelineName(index: number): string {
    return index < 0 ? 'outside' : plain(sequence.lifelines[index] ?? '');
  }

  function arrowAt(px: number, py: number, towards: number): SVGPathElement {
    const back = px - towards * 7;
    return svg('path', {
      class: 'message-arrow',
      d: `M${String(px)} ${String(py)}L${String(back)} ${String(py - 4)}V${String(py + 4)}z`,
    });
  }

  /** Scrolls to what is selected, when it cannot be seen. */
  function revealSelected(): void {
    const { rows, selected } = sequence;
    if (selected === undefined) return;
    const index = rows.findIndex(({ seqs }) => seqs.includes(selected));
    if (index === -1) return;
    follows = false;
    spacer.style.height = `${String(rows.length * ROW_HEIGHT + 12)}px`;
    const view = element.clientHeight - HEADER - ROW_HEIGHT;
    const place = index * ROW_HEIGHT;
    const isSeen = place >= element.scrollTop && place <= element.scrollTop + view;
    if (!isSeen) element.scrollTop = place - view / 3;
  }

  const stop = new AbortController();
  element.addEventListener(
    'scroll',
    () => {
      const bottom = element.scrollHeight - element.clientHeight;
      follows = element.scrollTop >= bottom - ROW_HEIGHT;
      head.style.transform = '';
      draw();
    },
    { signal: stop.signal },
  );
  const pick = (event: Event): void => {
    const target = event.target instanceof Element ? event.target.closest('[data-seq]') : null;
    if (target !== null) {
      follows = false;
      onSelect(Number(target.getAttribute('data-seq')));
    }
  };
  body.addEventListener('click', pick, { signal: stop.signal });
  element.addEventListener(
    'keydown',
    (event) => {
      const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
      if (step === 0 && event.key !== 'Enter') return;
      const { rows } = sequence;
      const selected = picked ?? sequence.selected;
      const index = rows.findIndex(({ seqs }) => selected !== undefined && seqs.includes(selected));
      const next = rows[index === -1 ? rows.length - 1 : index + step];
      if (next === undefined) return;
      event.preventDefault();
      picked = next.seq;
      onSelect(next.seq);
    },
    { signal: stop.signal },
  );
  const resized = new ResizeObserver(draw);
  resized.observe(element);

  return {
    update(next) {
      const isNew = next.selected !== sequence.selected;
      sequence = next;
      picked = undefined;
      if (isNew) revealSelected();
      draw();
    },
    destroy() {
      stop.abort();
      resized.disconnect();
      head.remove();
      spacer.remove();
    },
  };
}
