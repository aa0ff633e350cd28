/** The theme's colours as a canvas needs them. They are read once: a drawing is mounted anew with a theme. */

export interface GanttColours {
  readonly panel: string;
  readonly text: string;
  readonly dim: string;
  readonly line: string;
  readonly accent: string;
  readonly accentSoft: string;
  readonly failed: string;
  /** Of what a bar is made of, as pixels. */
  readonly pixels: Readonly<Record<'run' | 'hold' | 'retry' | 'wait' | 'unknown', number>>;
}

export function readColours(element: HTMLElement): GanttColours {
  const style = getComputedStyle(element);
  const read = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const running = pixelOf(read('state-running'));
  return {
    panel: read('panel'),
    text: read('text'),
    dim: read('dim'),
    line: read('line'),
    accent: read('accent'),
    accentSoft: read('accent-soft'),
    failed: read('state-failed'),
    pixels: {
      run: running,
      hold: pixelOf(read('state-blocked')),
      retry: pixelOf(read('state-backpressured')),
      wait: pixelOf(read('line-strong')),
      unknown: running,
    },
  };
}

/** A colour as the four bytes of a pixel, in the order in which this machine keeps them. */
function pixelOf(colour: string): number {
  const pen = document.createElement('canvas').getContext('2d');
  if (pen === null) return 0;
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  const [pixel = 0] = new Uint32Array(pen.getImageData(0, 0, 1, 1).data.buffer);
  return pixel;
}
