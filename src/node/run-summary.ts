/** What a run did, as lines of text: a pure function of its report. */
import type { OperatorReport, RunReport } from '../../machines/supervisor/run-report.ts';
import type { RunSnapshot } from '../snapshot.ts';
import { lookOf } from './operator-state.ts';
import { countOf, formatBytes, formatCount, formatTime } from './quantities.ts';
import { layOut, plain, type Column, type Line, type Span } from './terminal-text.ts';

/** The largest shares of the time are told, if they are this many percent at least. */
const MOST_SHARES = 3;
const LEAST_SHARE = 0.5;

const COLUMNS: readonly Column[] = [
  { align: 'left' },
  { align: 'left', most: 32 },
  { align: 'right' },
  { align: 'right' },
  { align: 'right' },
  { align: 'right' },
  { align: 'left' },
];

const TITLES = ['', 'operator', 'tasks', 'rows in', 'rows out', 'busy', 'where its time went'];

/**
 * A line for the run, and a table with a row for each operator. `snapshot` is the run's last one;
 * `rowsOut` is how many rows its consumer got, if somebody counted.
 */
export function summaryLines(
  report: RunReport,
  snapshot: RunSnapshot,
  rowsOut?: number,
): readonly Line[] {
  const titles = TITLES.map((text): Span => ({ text, style: 'dim' }));
  const rows = Object.entries(report.operators).map(([name, operator]) => {
    const seen = snapshot.operators[name];
    return operatorCells(name, operator, seen?.state ?? '', seen?.kind ?? 'transform');
  });
  return [outcomeLine(report, snapshot, rowsOut), [], ...layOut(COLUMNS, [titles, ...rows])];
}

/** How the run ended, in one line. */
export function outcomeLine(report: RunReport, snapshot: RunSnapshot, rowsOut?: number): Line {
  const { name, status, stopped, durationMs, operators } = report;
  const { glyph, style } = lookOf(status);
  const ofKind = (kind: string): readonly OperatorReport[] =>
    Object.entries(operators)
      .filter(([operator]) => snapshot.operators[operator]?.kind === kind)
      .map(([, operator]) => operator);
  const read = sum(ofKind('source').map((source) => source.rowsOut));
  const written = sum(ofKind('sink').map((sink) => sink.rowsIn));
  const all = Object.values(operators);
  const facts = [
    `${countOf(read, 'row')} read`,
    ...(rowsOut === undefined ? [] : [`${countOf(rowsOut, 'row')} out`]),
    ...(written === 0 ? [] : [`${countOf(written, 'row')} written`]),
    ...losses(sum(all.map((one) => one.droppedCount)), sum(all.map((one) => one.rowsDropped))),
    `at most ${formatBytes(snapshot.blockBytes.peak)} of blocks`,
  ];
  return [
    { text: glyph, style },
    { text: ` ${plain(name)} `, style: 'bold' },
    {
      text: `${stopped && status === 'done' ? 'stopped' : status} in ${formatTime(durationMs)}`,
      style,
    },
    { text: `: ${facts.join(', ')}` },
  ];
}

function operatorCells(
  name: string,
  operator: OperatorReport,
  state: string,
  kind: RunSnapshot['operators'][string]['kind'],
): Line {
  const { glyph, style } = lookOf(state);
  const { tasks, rowsIn, rowsOut, busyMs } = operator;
  return [
    { text: glyph, style },
    { text: plain(name) },
    { text: formatCount(tasks) },
    // A source takes no rows, and a sink puts none out.
    { text: kind === 'source' ? '' : formatCount(rowsIn) },
    { text: kind === 'sink' ? '' : formatCount(rowsOut) },
    { text: formatTime(busyMs) },
    { text: [sharesText(operator), ...troubles(operator)].join('; ') },
  ];
}

function sharesText({ shares }: OperatorReport): string {
  return Object.entries(shares)
    .filter(([, percent]) => percent >= LEAST_SHARE)
    .sort(([, a], [, b]) => b - a)
    .slice(0, MOST_SHARES)
    .map(([what, percent]) => `${plain(what)} ${percent.toFixed(0)} %`)
    .join(', ');
}

function troubles({ retried, droppedCount, rowsDropped }: OperatorReport): readonly string[] {
  return [
    ...(retried === 0 ? [] : [`${countOf(retried, 'attempt')} repeated`]),
    ...losses(droppedCount, rowsDropped),
  ];
}

/** What was given up, if anything was. */
function losses(blocks: number, rows: number): readonly string[] {
  return [
    ...(blocks === 0 ? [] : [`${countOf(blocks, 'block')} given up`]),
    ...(rows === 0 ? [] : [`${countOf(rows, 'row')} given up`]),
  ];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
