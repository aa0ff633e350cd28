/** The metrics of a run as comma-separated values (RFC 4180), one line a sample. */
import type { RunModel } from '../../run-model/model.ts';

export function metricsCsv(model: RunModel): string {
  const { metrics } = model.history;
  const columns: (readonly [string, readonly (number | null)[]])[] = [
    ['ms', metrics.at],
    ['live bytes', metrics.liveBytes],
    ['limit of live bytes', metrics.limitBytes],
    ['rows consumed', metrics.consumedRows],
    ...metrics.resources.flatMap(({ name, used, total }) => [
      [`${name} in use`, used] as const,
      [`${name} in all`, total] as const,
    ]),
    ...metrics.operators.flatMap((operator, index) => {
      const name = model.operators[index]?.name ?? String(index);
      return [
        [`${name}: rows out`, operator.rowsOut] as const,
        [`${name}: bytes out`, operator.bytesOut] as const,
        [`${name}: blocks queued`, operator.queued] as const,
        [`${name}: bytes queued`, operator.queuedBytes] as const,
        [`${name}: tasks`, operator.active] as const,
        [`${name}: p50 ms`, operator.p50] as const,
        [`${name}: p95 ms`, operator.p95] as const,
      ];
    }),
  ];
  const lines = [columns.map(([name]) => field(name))];
  metrics.at.forEach((_at, row) => {
    lines.push(columns.map(([, values]) => String(values[row] ?? '')));
  });
  return `${lines.map((line) => line.join(',')).join('\r\n')}\r\n`;
}

/** Quoted, and never a formula: spreadsheets run what begins like one. */
function field(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
