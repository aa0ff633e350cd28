/** What all SVGs have in common: they stand alone, and what is written in them is data. */

/** Pixels a letter takes at the size of the text, about: nothing can be measured here. */
export const LETTER = 6.8;
export const INK = '#1c2128';
export const FAINT = '#444c56';
export const LINE = '#5b6875';
export const PAPER = '#ffffff';

/** A whole document of the given size in pixels. `title` is what is read out for it. */
export function svgDocument(
  { width, height }: { readonly width: number; readonly height: number },
  title: string,
  parts: readonly string[],
): string {
  const [w, h] = [String(Math.ceil(width)), String(Math.ceil(height))];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" font-family="system-ui, sans-serif" font-size="13">`,
    `<title>${escape(title)}</title>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

/** Text at a place: escaped, and cut to so many letters. */
export function svgText(
  x: number,
  y: number,
  text: string,
  attributes = `fill="${INK}"`,
  letters = 200,
): string {
  return `<text x="${number(x)}" y="${number(y)}" ${attributes}>${escape(short(text, letters))}</text>`;
}

export function short(text: string, letters: number): string {
  return text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
}

/** No more digits than can be seen. */
export function number(value: number): string {
  return String(Math.round(value * 10) / 10);
}

export function escape(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, ' ')
    .replace(/[&<>"']/g, (letter) => `&#${String(letter.codePointAt(0))};`);
}
