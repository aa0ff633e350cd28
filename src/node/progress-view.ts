/** What a run looks like at a moment, as lines of text: pure functions of its snapshots. */
import type { Denial } from '../../machines/denial.ts';
import { statusLine, type OperatorSnapshot, type RunSnapshot } from '../snapshot.ts';
import { lookOf } from './operator-state.ts';
import { countOf, formatAmount, formatBytes, formatCount, formatTime } from './quantities.ts';
import { layOut, plain, type Column, type Line, type Span } from './terminal-text.ts';

/** A run, seen at some time on its clock. */
export interface Sighting {
  readonly snapshot: RunSnapshot;
  readonly at: number;
}

/** How long something is blocked is told from then on: less is the normal give and take. */
const WORTH_TELLING_MS = 1000;

const COLUMNS: readonly Column[] = [
  { align: 'left' },
  { align: 'left', most: 32 },
  { align: 'left', least: 'backpressured'.length },
  { align: 'right', least: 3 },
  { align: 'right' },
  { align: 'right', least: 3 },
  { align: 'right', least: 4 },
  { align: 'right', least: 7 },
  { align: 'left' },
];

const TITLES = ['', 'operator', 'state', 'in', 'active', 'out', 'done', 'rows/s', 'blocked by'];

/**
 * The live view: the run in two lines, and a table with a row for each operator. Rates are those since
 * `before`; `elapsedMs` is how long the run has taken so far.
 */
export function progressLines(now: Sighting, before: Sighting, elapsedMs: number): readonly Line[] {
  const { operators } = now.snapshot;
  const rows = Object.entries(operators).map(([name, operator]) =>
    operatorCells(name, operator, rateOf(name, now, before), now.at),
  );
  const titles = TITLES.map((text): Span => ({ text, style: 'dim' }));
  return [
    runLine(now, before, elapsedMs),
    budgetLine(now.snapshot),
    [],
    ...layOut(COLUMNS, [titles, ...rows]),
  ];
}

/** One line for logs: the run's status, and how much it has read and how fast. */
export function statusText(now: Sighting, before: Sighting, elapsedMs: number): string {
  const { snapshot } = now;
  const head = `${plain(snapshot.name)} ${snapshot.state} ${formatTime(elapsedMs)}`;
  return `${head}: ${plain(statusLine(snapshot))}; ${readingText(now, before)}`;
}

function runLine(now: Sighting, before: Sighting, elapsedMs: number): Line {
  const { name, state } = now.snapshot;
  const { glyph, style } = lookOf(state);
  return [
    { text: glyph, style },
    { text: ` ${plain(name)} `, style: 'bold' },
    { text: state, style },
    { text: `  ${formatTime(elapsedMs)} · ${readingText(now, before)}` },
  ];
}

/** What is used of the budget. */
function budgetLine({ resources, blockBytes }: RunSnapshot): Line {
  const { live, limit } = blockBytes;
  const uses = [
    ...Object.entries(resources).map(
      ([name, { used, total }]) => `${plain(name)} ${formatAmount(used)} of ${formatAmount(total)}`,
    ),
    `blocks ${formatBytes(live)} of ${formatBytes(limit)}`,
  ];
  return [{ text: `  ${uses.join(' · ')}`, style: 'dim' }];
}

function operatorCells(name: string, operator: OperatorSnapshot, rate: number, at: number): Line {
  const { state, kind, denial } = operator;
  const { glyph, style } = lookOf(state);
  const isOver = ['completed', 'failed', 'cancelled'].includes(state);
  const faint = (text: string, isFaint: boolean): Span => {
    return { text, style: isFaint ? 'dim' : undefined };
  };
  const count = (amount: number): Span => faint(formatCount(amount), amount === 0);
  return [
    { text: glyph, style },
    faint(plain(name), isOver),
    { text: state, style },
    count(operator.in),
    count(operator.active),
    count(operator.out),
    count(operator.done),
    // Nothing comes out of a sink.
    kind === 'sink' ? { text: '' } : count(rate),
    {
      text: denial === undefined || isOver ? '' : limitText(denial, at),
      style: state === 'backpressured' ? style : 'dim',
    },
  ];
}

/** What blocks an operator: the limit's name, and how long it has if that is worth telling. */
function limitText({ limit, since }: Denial, at: number): string {
  const ms = at - since;
  return ms < WORTH_TELLING_MS ? plain(limit) : `${plain(limit)}, ${formatSeconds(ms)}`;
}

function formatSeconds(ms: number): string {
  return ms < 60_000 ? `${String(Math.floor(ms / 1000))} s` : formatTime(ms);
}

/** Rows an operator has put out in a second, since `before`. */
function rateOf(name: string, now: Sighting, before: Sighting): number {
  const ms = now.at - before.at;
  if (ms <= 0) return 0;
  const rows = now.snapshot.operators[name]?.rowsOut ?? 0;
  const rowsBefore = before.snapshot.operators[name]?.rowsOut ?? 0;
  return (1000 * (rows - rowsBefore)) / ms;
}

/** Rows all sources have put out so far, and in a second. */
function readingText(now: Sighting, before: Sighting): string {
  const sources = Object.entries(now.snapshot.operators).filter(
    ([, { kind }]) => kind === 'source',
  );
  const rows = sources.reduce((sum, [, { rowsOut }]) => sum + rowsOut, 0);
  const rate = sources.reduce((sum, [name]) => sum + rateOf(name, now, before), 0);
  return `${countOf(rows, 'row')} read, ${formatCount(rate)} rows/s`;
}
