/** One sentence: what limits the run, and since when. */
import type { ReactNode } from 'react';
import type { RunModel, Why } from '../../../run-model/index.ts';
import { useViewer } from '../view/context.ts';
import { duration, plain } from '../view/format.ts';

const LEVELS: Readonly<Record<string, 'calm' | 'warn' | 'bad'>> = {
  failed: 'bad',
  retries: 'bad',
  resource: 'warn',
  bytes: 'warn',
  consumer: 'warn',
  operator: 'warn',
  'fan-in': 'warn',
  paused: 'warn',
  cancelled: 'warn',
};

/** Of a run that went well, what limited it for most of its time. */
function shownWhy(model: RunModel): Why {
  const { why, end, history } = model;
  if (end?.status !== 'done') return why;
  const { entries } = history.whys;
  const spent = new Map<string, { ms: number; last: Why }>();
  entries.forEach((entry, index) => {
    if (entry.kind === 'starting' || entry.kind === 'done') return;
    const until = entries[index + 1]?.since ?? end.at;
    const key = `${entry.kind} ${entry.operator ?? ''} ${entry.limit ?? ''}`;
    const before = spent.get(key)?.ms ?? 0;
    spent.set(key, { ms: before + Math.max(0, until - entry.since), last: entry });
  });
  const [most] = [...spent.values()].sort((a, b) => b.ms - a.ms);
  if (most === undefined || end.at <= 0) return why;
  const share = Math.min(100, Math.round((100 * most.ms) / end.at));
  return {
    ...why,
    text: `done in ${duration(end.at)}; for ${String(share)} % of it: ${most.last.text}`,
    operator: most.last.operator,
  };
}

export function WhyBar(): ReactNode {
  const { viewer, model } = useViewer();
  const { text, kind, operator, since } = shownWhy(model);
  const level = LEVELS[kind] ?? 'calm';
  if (text === '') return <div className="why" />;
  const lasts = model.end === undefined ? duration(Math.max(0, model.at - since)) : undefined;
  return (
    <section className="why" data-level={level} data-kind={kind} aria-label="What limits the run">
      <span className="sign">{level === 'bad' ? '✕ ' : level === 'warn' ? '▲ ' : ''}WHY</span>
      <span className="text">{plain(text, 600)}</span>
      {lasts === undefined ? null : <span className="dim">for {lasts}</span>}
      {operator === undefined ? null : (
        <button
          type="button"
          onClick={() => {
            viewer.go({ selection: { kind: 'operator', name: operator } });
          }}
        >
          Show {plain(operator, 30)}
        </button>
      )}
    </section>
  );
}
