/** Tables as Markdown, to be read on a terminal and pasted into the docs. */

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => string;
  readonly align?: 'left' | 'right';
}

export function printTable<T>(
  title: string,
  columns: readonly Column<T>[],
  rows: readonly T[],
): void {
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
  const widths = columns.map(({ title: head }, at) =>
    Math.max(3, head.length, ...cells.map((row) => row[at]?.length ?? 0)),
  );
  const line = (parts: readonly string[]): string => {
    const padded = parts.map((part, at) => {
      const width = widths[at] ?? 0;
      return columns[at]?.align === 'left' ? part.padEnd(width) : part.padStart(width);
    });
    return `| ${padded.join(' | ')} |`;
  };
  const rule = columns.map(({ align }, at) => {
    const dashes = '-'.repeat((widths[at] ?? 0) - 1);
    return align === 'left' ? `${dashes}-` : `${dashes}:`;
  });
  const head = columns.map((column) => column.title);
  console.log([`\n### ${title}\n`, line(head), line(rule), ...cells.map(line), ''].join('\n'));
}

/** A number with as many digits as it is worth: 0.44, 13.0, 163. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const decimals = Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0;
  return value.toFixed(decimals);
}
