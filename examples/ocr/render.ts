/** Renders lines of text as they would come from a scanner: grey, a little tilted, a little blurred. */
import { createRequire } from 'node:module';
import { createCanvas, GlobalFonts } from '@napi-rs/canvas';

/** An image of one line of text. */
export interface Line {
  readonly text: string;
  /** Blue, green and red, one plane after the other, each from -1 to 1, as the network wants them. */
  readonly pixels: Float32Array;
  readonly width: number;
  readonly height: number;
}

const HEIGHT = 48;
const MARGIN = 12;

const require = createRequire(import.meta.url);
GlobalFonts.registerFromPath(require.resolve('dejavu-fonts-ttf/ttf/DejaVuSerif.ttf'), 'Page');

export function render(text: string, index: number): Line {
  const font = '26px Page';
  const probe = createCanvas(1, 1).getContext('2d');
  probe.font = font;
  const width = Math.ceil(probe.measureText(text).width) + 2 * MARGIN;
  const context = createCanvas(width, HEIGHT).getContext('2d');
  context.fillStyle = '#e8e4da';
  context.fillRect(0, 0, width, HEIGHT);
  // Every line stands in its own way, the same one each time.
  context.rotate(((index % 5) - 2) * 0.002);
  context.filter = 'blur(0.6px)';
  context.fillStyle = '#2b2b33';
  context.font = font;
  context.textBaseline = 'middle';
  context.fillText(text, MARGIN, HEIGHT / 2);
  const { data } = context.getImageData(0, 0, width, HEIGHT);
  const plane = width * HEIGHT;
  const pixels = new Float32Array(3 * plane);
  for (let pixel = 0; pixel < plane; pixel++) {
    for (let colour = 0; colour < 3; colour++) {
      const value = data[4 * pixel + (2 - colour)] ?? 0;
      pixels[colour * plane + pixel] = value / 127.5 - 1;
    }
  }
  return { text, pixels, width, height: HEIGHT };
}
