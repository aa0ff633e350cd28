/** Styled text that can be measured and cut before it is painted. */
import { inspect, stripVTControlCharacters } from 'node:util';

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan';

export interface Span {
  readonly text: string;
  readonly style?: Style | undefined;
}

/** One line. */
export type Line = readonly Span[];

/** Cells of a table, from left to right. */
export interface Column {
  readonly align: 'left' | 'right';
  /** Columns of the terminal it has at least: numbers that grow should not move their neighbours. */
  readonly least?: number;
  readonly most?: number;
}

const GAP = '  ';

/** Lays rows of cells out in columns. */
export function layOut(columns: readonly Column[], rows: readonly Line[]): readonly Line[] {
  const widths = columns.map(({ least = 0, most = Infinity }, index) => {
    const widest = Math.max(least, ...rows.map((row) => widthOf(row[index]?.text ?? '')));
    return Math.min(most, widest);
  });
  return rows.map((row) =>
    row.flatMap((cell, index) => {
      const width = widths[index] ?? 0;
      const text = shorten(cell.text, width);
      const padding = ' '.repeat(Math.max(0, width - widthOf(text)));
      const padded = columns[index]?.align === 'right' ? padding + text : text + padding;
      return [{ text: index === 0 ? '' : GAP }, { ...cell, text: padded }];
    }),
  );
}

/** The line as it is written to a terminal: at most `width` columns wide, without trailing space. */
export function paint(line: Line, width: number, colors: boolean): string {
  const text = line.map((span) => span.text).join('');
  const fits = widthOf(text.trimEnd()) <= width;
  let room = fits ? width : width - 1;
  if (room < 0) return '';
  let painted = '';
  let space = '';
  for (const { text, style } of line) {
    const kept = beginning(text, room);
    const ink = kept.trimEnd();
    if (ink !== '') {
      painted += space + (colors && style !== undefined ? dye(ink, style) : ink);
      space = '';
    }
    space += kept.slice(ink.length);
    room -= widthOf(kept);
    if (kept !== text) break;
  }
  return fits ? painted : `${painted}${space}…`;
}

/** Columns a text takes in a terminal. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) width += isWide(segment) ? 2 : 1;
  return width;
}

/** A text that is too long ends in an ellipsis. */
function shorten(text: string, width: number): string {
  return widthOf(text) <= width ? text : `${beginning(text, width - 1)}…`;
}

/** As much of a text as there is room for. */
function beginning(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let room = width;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    room -= widthOf(segment);
    if (room < 0) break;
    kept += segment;
  }
  return kept;
}

/** East Asian letters and emoji take two columns. */
function isWide(letter: string): boolean {
  return /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u.test(
    letter,
  );
}

function dye(text: string, style: Style): string {
  const [on, off] = inspect.colors[style] ?? [0, 0];
  return `\u001b[${String(on)}m${text}\u001b[${String(off)}m`;
}

/** Text from elsewhere on one line, without anything a terminal would obey. */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replace(/\p{Cc}+/gu, ' ');
}
