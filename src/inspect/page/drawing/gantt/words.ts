/** What a bar says when the pointer is on it. */
import type { RunModel, TaskBar } from '../../../../run-model/index.ts';
import { duration, plain } from '../../view/format.ts';

export function barInWords(bar: TaskBar, model: RunModel): readonly string[] {
  const name = plain(model.operators[bar.operator]?.name ?? '');
  const end = bar.endedAt ?? model.at;
  const spent = { run: 0, hold: 0, retry: 0 };
  bar.phases.forEach(({ at, kind }, index) => {
    spent[kind] += (bar.phases[index + 1]?.at ?? end) - at;
  });
  const phases = Object.entries(spent)
    .filter(([, ms]) => ms > 0)
    .map(([kind, ms]) => `${kind} ${duration(ms)}`);
  return [
    `${name} #${String(bar.task)} ${bar.outcome ?? 'under way'}`,
    `block ${plain(bar.lineage, 80)}, ${String(bar.rowsIn)} rows in, ${String(bar.rowsOut)} out`,
    `waited ${duration(Math.max(0, bar.startedAt - bar.queuedAt))}, ${phases.join(', ')}`,
    ...(bar.attempts > 1 ? [`${String(bar.attempts)} attempts`] : []),
    ...(bar.error === undefined ? [] : [plain(bar.error, 200)]),
  ];
}
