/** Pans and zooms what is drawn in an SVG: wheel, drag, buttons and keys. */
import type { Place } from '../layout/layout.ts';
import { attribute } from './svg.ts';

/** Where the drawing is: a point of it is at `x + scale * point.x` pixels of the screen. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

export interface Camera {
  readonly view: () => View;
  /** Shows a drawing of this size as a whole, never larger than life. */
  fit(width: number, height: number): void;
  /** The same, but never so small that it cannot be read: then a part of it, around a place. */
  fitReadable(width: number, height: number, around: Place | undefined): void;
  readonly zoom: (factor: number) => void;
  /** Moves so that a place is seen, as little as needed. */
  readonly reveal: (place: Place) => void;
  readonly destroy: () => void;
}

const SMALLEST = 0.15;
const LARGEST = 3;
/** Words can be read down to this. */
const READABLE = 0.66;

/** `world` is a group in `root`; the camera moves and scales it, and says so. */
export function createCamera(root: SVGSVGElement, world: SVGGElement, onMove?: () => void): Camera {
  let [x, y, scale] = [0, 0, 1];
  const stop = new AbortController();

  function apply(): void {
    attribute(
      world,
      'transform',
      `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${scale.toFixed(4)})`,
    );
    onMove?.();
  }

  function zoomAt(factor: number, px: number, py: number): void {
    const next = Math.min(LARGEST, Math.max(SMALLEST, scale * factor));
    x = px - ((px - x) * next) / scale;
    y = py - ((py - y) * next) / scale;
    scale = next;
    apply();
  }

  root.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      const box = root.getBoundingClientRect();
      if (event.ctrlKey || event.metaKey || !event.shiftKey) {
        zoomAt(Math.exp(-event.deltaY / 500), event.clientX - box.left, event.clientY - box.top);
        return;
      }
      x -= event.deltaY + event.deltaX;
      apply();
    },
    { passive: false, signal: stop.signal },
  );
  root.addEventListener(
    'pointerdown',
    (event) => {
      if (event.button !== 0) return;
      const [x0, y0] = [event.clientX - x, event.clientY - y];
      const [startX, startY] = [event.clientX, event.clientY];
      let drags = false;
      const drag = new AbortController();
      root.addEventListener(
        'pointermove',
        (move) => {
          // A hand trembles: a press becomes a drag after some pixels, and a click stays a click.
          const far = Math.hypot(move.clientX - startX, move.clientY - startY) > 4;
          if (!drags && !far) return;
          if (!drags) root.setPointerCapture(event.pointerId);
          drags = true;
          [x, y] = [move.clientX - x0, move.clientY - y0];
          apply();
        },
        { signal: drag.signal },
      );
      for (const end of ['pointerup', 'pointercancel'] as const) {
        window.addEventListener(
          end,
          () => {
            drag.abort();
          },
          { signal: drag.signal },
        );
      }
    },
    { signal: stop.signal },
  );

  function fit(width: number, height: number): void {
    const box = root.getBoundingClientRect();
    if (box.width === 0 || box.height === 0 || width === 0) return;
    scale = Math.max(SMALLEST, Math.min(1.15, box.width / width, box.height / height));
    x = (box.width - width * scale) / 2;
    y = Math.max(0, (box.height - height * scale) / 2);
    apply();
  }

  return {
    view: () => ({ x, y, scale }),
    fit,
    fitReadable(width, height, around) {
      fit(width, height);
      if (scale >= READABLE) return;
      scale = READABLE;
      const box = root.getBoundingClientRect();
      const middle = around ?? { x: 0, y: 0, width, height: 0 };
      // Where all of one direction fits it is centred, otherwise no further than its edges.
      const shift = (room: number, size: number, centre: number): number =>
        size * scale <= room
          ? (room - size * scale) / 2
          : Math.min(0, Math.max(room - size * scale, room / 2 - centre * scale));
      x = shift(box.width, width, middle.x + middle.width / 2);
      y = shift(box.height, height, middle.y + middle.height / 2);
      apply();
    },
    zoom(factor) {
      const box = root.getBoundingClientRect();
      zoomAt(factor, box.width / 2, box.height / 2);
    },
    reveal(place) {
      const box = root.getBoundingClientRect();
      const left = place.x * scale + x;
      const top = place.y * scale + y;
      const right = left + place.width * scale;
      const bottom = top + place.height * scale;
      const margin = 20;
      if (right > box.width - margin) x -= right - box.width + margin;
      if (left < margin) x += margin - left;
      if (bottom > box.height - margin) y -= bottom - box.height + margin;
      if (top < margin) y += margin - top;
      apply();
    },
    destroy() {
      stop.abort();
    },
  };
}
