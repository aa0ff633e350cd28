/** What a hand does to the timeline: wheel, drag, pointer and arrow keys. */
import type { Span } from '../../view/place.ts';
import { RULER } from './lanes.ts';
import { LABELS, type TimeScale } from './time-scale.ts';

export interface Hand {
  /** The scale of what is drawn now. */
  readonly scale: () => TimeScale;
  readonly zoom: (factor: number, x: number) => void;
  readonly scroll: (pixels: number) => void;
  /** Looks at another part of the time. */
  readonly look: (span: Span) => void;
  /** A range is being marked; undefined: it is not any more. */
  readonly mark: (span: Span | undefined) => void;
  /** A range has been chosen, or none. */
  readonly choose: (span: Span | undefined) => void;
  readonly pick: (x: number, y: number) => void;
  /** The pointer is somewhere, and nothing is pressed. */
  readonly hover: (x: number, y: number) => void;
  readonly leave: () => void;
}

/** A hand trembles: a press becomes a drag after some pixels. */
const DRAG = 3;

/** Until the signal is aborted. */
export function listenToHand(canvas: HTMLCanvasElement, hand: Hand, signal: AbortSignal): void {
  function on<TType extends keyof HTMLElementEventMap>(
    type: TType,
    listener: (event: HTMLElementEventMap[TType], x: number, y: number) => void,
    until: AbortSignal,
  ): void {
    canvas.addEventListener(
      type,
      (event) => {
        const { left, top } = canvas.getBoundingClientRect();
        const { clientX = 0, clientY = 0 } = event as Partial<MouseEvent>;
        listener(event, clientX - left, clientY - top);
      },
      { passive: false, signal: until },
    );
  }

  on(
    'wheel',
    (event, x) => {
      event.preventDefault();
      if (event.shiftKey) hand.scroll(event.deltaY);
      else hand.zoom(Math.exp(-event.deltaY / 400), Math.max(LABELS, x));
    },
    signal,
  );

  on(
    'pointerdown',
    (event, x0, y0) => {
      if (event.button !== 0) return;
      const { span, toAt, msPerPixel } = hand.scale();
      const marks = y0 < RULER || event.shiftKey;
      let marked: Span | undefined;
      let moved = false;
      canvas.setPointerCapture(event.pointerId);
      const drag = new AbortController();
      on(
        'pointermove',
        (_move, x) => {
          moved ||= Math.abs(x - x0) > DRAG;
          if (!moved) return;
          if (marks) {
            const [a, b] = [toAt(x0), toAt(x)];
            marked = { from: Math.max(0, Math.min(a, b)), to: Math.max(a, b) };
            hand.mark(marked);
          } else {
            const shift = (x - x0) * msPerPixel;
            hand.look({ from: span.from - shift, to: span.to - shift });
          }
        },
        drag.signal,
      );
      on(
        'pointerup',
        () => {
          drag.abort();
          hand.mark(undefined);
          if (marked !== undefined) hand.choose(marked);
          else if (!moved && marks) hand.choose(undefined);
          else if (!moved) hand.pick(x0, y0);
        },
        drag.signal,
      );
    },
    signal,
  );

  on(
    'pointermove',
    (event, x, y) => {
      if (event.buttons === 0) hand.hover(x, y);
      else hand.leave();
    },
    signal,
  );
  on('pointerleave', hand.leave, signal);

  on(
    'keydown',
    (event) => {
      const { span } = hand.scale();
      const step = (span.to - span.from) / 8;
      const shift = event.key === 'ArrowLeft' ? -step : event.key === 'ArrowRight' ? step : 0;
      if (shift === 0) return;
      event.preventDefault();
      hand.look({ from: span.from + shift, to: span.to + shift });
    },
    signal,
  );
}
