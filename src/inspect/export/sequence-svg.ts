/** Messages as a sequence diagram in an SVG, drawn without a browser: one line of life for each actor. */
import { pathParts } from '../../run-model/actor-path.ts';
import type { MessageEntry } from '../../run-model/model.ts';
import { countText } from '../../run-model/quantities.ts';
import { FAINT, INK, LINE, number, PAPER, svgDocument, svgText } from './svg-document.ts';

const COLUMN = 170;
const HEAD = 26;
const ROW = 30;
const MARGIN = 16;
const HEAD_LETTERS = 21;
const LABEL_LETTERS = 40;

/** `Outside` are messages that come from no actor. */
export function sequenceSvg(messages: readonly MessageEntry[]): string {
  const actors = [...new Set(messages.flatMap(({ from, to }) => [from, to]))];
  const xOf = (actor: string | undefined): number =>
    MARGIN + COLUMN * (actors.indexOf(actor) + 0.5);
  const top = MARGIN + HEAD;
  const height = top + ROW * (messages.length + 1) + MARGIN;
  const width = 2 * MARGIN + COLUMN * Math.max(1, actors.length);
  const lives = actors.flatMap((actor) => {
    const x = xOf(actor);
    return [
      `<line x1="${number(x)}" y1="${number(top)}" x2="${number(x)}" y2="${number(height - MARGIN)}" stroke="${LINE}" stroke-dasharray="4 4"/>`,
      `<rect x="${number(x - COLUMN / 2 + 6)}" y="${String(MARGIN)}" width="${String(COLUMN - 12)}" height="${String(HEAD)}" rx="4" fill="${PAPER}" stroke="${LINE}"/>`,
      svgText(
        x,
        MARGIN + 17,
        nameOf(actor, actors),
        `fill="${INK}" text-anchor="middle"`,
        HEAD_LETTERS,
      ),
    ];
  });
  const arrows = messages.flatMap((message, index) =>
    arrow(message, xOf(message.from), xOf(message.to), top + ROW * (index + 1)),
  );
  const title = `${countText(messages.length, 'message')} between ${countText(actors.length, 'actor')}`;
  return svgDocument({ width, height }, title, [...lives, ...arrows]);
}

/** The actor's id; with its parent's when another one has the same. */
function nameOf(actor: string | undefined, actors: readonly (string | undefined)[]): string {
  if (actor === undefined) return 'Outside';
  const { id, parent } = pathParts(actor);
  const isUnique = actors.every(
    (other) => other === undefined || other === actor || pathParts(other).id !== id,
  );
  return isUnique || parent === undefined ? id : `${pathParts(parent).id} / ${id}`;
}

function arrow(
  { type, refs }: MessageEntry,
  from: number,
  to: number,
  y: number,
): readonly string[] {
  const label = `${type}${refs === 0 ? '' : ` (${countText(refs, 'block')})`}`;
  const text = `fill="${FAINT}" font-size="11" text-anchor="middle"`;
  if (from === to) {
    // To itself: out to the side and back.
    return [
      `<path d="M${number(from)} ${number(y - 8)} h28 v8 h-22" fill="none" stroke="${INK}"/>`,
      head(to, y, -1),
      svgText(from + 36, y, label, `fill="${FAINT}" font-size="11"`, LABEL_LETTERS),
    ];
  }
  const direction = to > from ? 1 : -1;
  return [
    `<line x1="${number(from)}" y1="${number(y)}" x2="${number(to - 6 * direction)}" y2="${number(y)}" stroke="${INK}"/>`,
    head(to, y, direction),
    svgText((from + to) / 2, y - 5, label, text, LABEL_LETTERS),
  ];
}

function head(x: number, y: number, direction: 1 | -1): string {
  const back = number(x - 7 * direction);
  return `<path d="M${number(x)} ${number(y)} L${back} ${number(y - 4)} L${back} ${number(y + 4)} Z" fill="${INK}"/>`;
}
