/** Lines at the bottom of a terminal that are redrawn in place, below what others write to it. */
import { clearLine, clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import type { Writable } from 'node:stream';
import { paint, widthOf, type Line } from './terminal-text.ts';

/** What is written to: a stream, and what a terminal says of itself. */
export type Screen = Writable & {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  readonly hasColors?: (() => boolean) | undefined;
};

export interface LiveLines {
  /** Puts these lines where the last ones were. */
  readonly draw: (lines: readonly Line[]) => void;
  /** Takes the last ones away. */
  readonly erase: () => void;
  /** Leaves what is there as it is, for good. */
  readonly close: () => void;
}

const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

/** `neighbours` are the streams that others may write to the same terminal with. */
export function liveLines(screen: Screen, neighbours: readonly Writable[] = []): LiveLines {
  let lines: readonly Line[] = [];
  /** What is on the screen now, without colours. */
  let drawn: readonly string[] = [];
  let last = '';
  /** Somebody else has written the beginning of a line. */
  let midLine = false;
  let drawing = false;

  /** Rows the drawn lines take: a terminal that was made narrower has wrapped them. */
  function height(): number {
    const { columns = DEFAULT_COLUMNS } = screen;
    return drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
  }

  /** Writes all at once: what stays the same does not flicker. */
  function change(write: () => void): void {
    drawing = true;
    screen.cork();
    if (midLine) screen.write('\n');
    midLine = false;
    cursorTo(screen, 0);
    moveCursor(screen, 0, -height());
    write();
    clearScreenDown(screen);
    screen.uncork();
    drawing = false;
  }

  function draw(): void {
    const { columns = DEFAULT_COLUMNS, rows = DEFAULT_ROWS } = screen;
    // A line that fills the last column, or a text as high as the screen, would make it scroll.
    const width = Math.max(1, columns - 1);
    const shown = fit(lines, Math.max(1, rows - 1));
    const painted = shown.map((line) => paint(line, width, screen.hasColors?.() === true));
    if (painted.join('\n') === last) return;
    change(() => {
      for (const line of painted) {
        screen.write(line);
        clearLine(screen, 1);
        screen.write('\n');
      }
    });
    drawn = shown.map((line) => paint(line, width, false));
    last = painted.join('\n');
  }

  function erase(): void {
    if (drawn.length === 0) return;
    change(() => undefined);
    drawn = [];
    last = '';
  }

  const restore = neighbours.map((stream) =>
    interposeWrites(stream, (text, write) => {
      if (drawing) return write();
      erase();
      const accepted = write();
      midLine = !text.endsWith('\n');
      if (!midLine) draw();
      return accepted;
    }),
  );

  return {
    draw(next) {
      lines = next;
      draw();
    },
    erase() {
      lines = [];
      erase();
    },
    close() {
      for (const undo of restore) undo();
    },
  };
}

/** Lets `around` decide when what is written to a stream is written. Returns how to undo it. */
function interposeWrites(
  stream: Writable,
  around: (text: string, write: () => boolean) => boolean,
): () => void {
  // Of its own it has one only if somebody else has put it there: else it is that of its class.
  const before = Object.getOwnPropertyDescriptor(stream, 'write');
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: unknown[]) => around(String(args[0]), () => write(...args));
  return () => {
    if (before === undefined) Reflect.deleteProperty(stream, 'write');
    else Object.defineProperty(stream, 'write', before);
  };
}

/** The first lines, and how many there are besides, when there is no room for all. */
function fit(lines: readonly Line[], rows: number): readonly Line[] {
  if (lines.length <= rows) return lines;
  const kept = lines.slice(0, rows - 1);
  const text = `… and ${String(lines.length - kept.length)} more`;
  return [...kept, [{ text, style: 'dim' }]];
}
