/** A terminal that is none: what is written to it goes through an emulator, and can be looked at. */
import { Writable } from 'node:stream';
import { Terminal } from '@xterm/headless';

export interface FakeTerminal extends Writable {
  isTTY: boolean;
  columns: number;
  rows: number;
  hasColors: () => boolean;
  readonly resize: (columns: number, rows: number) => void;
  /** All that was written, as it was written. */
  written: string;
  /** The lines to be seen, scrolled-off ones included, without the empty ones at the end. */
  readonly screen: () => Promise<readonly string[]>;
}

export function fakeTerminal(columns = 100, rows = 30): FakeTerminal {
  // A real terminal turns every line feed into a new line.
  const emulator = new Terminal({ cols: columns, rows, convertEol: true, allowProposedApi: true });
  const terminal: FakeTerminal = Object.assign(
    new Writable({
      decodeStrings: false,
      write(chunk: string, _encoding, done) {
        terminal.written += chunk;
        emulator.write(chunk);
        done();
      },
    }),
    {
      isTTY: true,
      columns,
      rows,
      hasColors: () => true,
      written: '',
      resize(columns: number, rows: number) {
        terminal.columns = columns;
        terminal.rows = rows;
        emulator.resize(columns, rows);
      },
      async screen() {
        await new Promise<void>((resolve) => {
          emulator.write('', resolve);
        });
        const { active } = emulator.buffer;
        const lines = Array.from(
          { length: active.length },
          (_, row) => active.getLine(row)?.translateToString(true) ?? '',
        );
        return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
      },
    },
  );
  return terminal;
}
