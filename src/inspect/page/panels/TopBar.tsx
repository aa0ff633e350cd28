/** The bar at the top: which run, how it is, where to go, and what of the budget is in use by whom. */
import type { ReactNode } from 'react';
import { tokenHolders, type RunModel } from '../../../run-model/index.ts';
import { useCanControl, useSurroundings, useViewer } from '../view/context.ts';
import { bytes, clock, count, plain } from '../view/format.ts';
import { TABS, type Tab } from '../view/place.ts';
import { lookOfState } from '../view/state-look.ts';
import { BudgetControls } from './BudgetControls.tsx';
import { Gauge, StateBadge } from './parts.tsx';

export const TAB_NAMES: Readonly<Record<Tab, string>> = {
  pipeline: 'Pipeline',
  actors: 'Actors',
  messages: 'Messages',
  timeline: 'Timeline',
  metrics: 'Metrics',
  events: 'Events',
  runs: 'Runs',
};

export function TopBar({ onHelp }: { readonly onHelp: () => void }): ReactNode {
  const { theme, setTheme } = useSurroundings();
  const { viewer, source, model, place } = useViewer();
  const { run } = source;
  const state = model.end?.status ?? outermost(model.state);

  function walk(event: React.KeyboardEvent, tab: Tab): void {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const next = TABS[(TABS.indexOf(tab) + step + TABS.length) % TABS.length] ?? 'pipeline';
    viewer.go({ tab: next });
    const parent = event.currentTarget.parentElement;
    parent?.querySelector<HTMLElement>(`[data-tab="${next}"]`)?.focus();
  }

  return (
    <header className="topbar">
      <div className="brand">
        <Mark />
        <h1>{plain(run?.name ?? model.plan.name, 60) || 'Sluice inspector'}</h1>
        {state === '' ? null : <StateBadge look={lookOfState(state).look} word={state} />}
        <span className="mono dim">{clock(model.at)}</span>
      </div>
      <div className="tabs" role="tablist" aria-label="Views">
        {TABS.map((tab, index) => (
          <button
            key={tab}
            id={`tab-${tab}`}
            data-tab={tab}
            role="tab"
            type="button"
            aria-selected={place.tab === tab}
            aria-controls="stage"
            tabIndex={place.tab === tab ? 0 : -1}
            title={`${TAB_NAMES[tab]} (${String(index + 1)})`}
            onClick={() => {
              viewer.go({ tab });
            }}
            onKeyDown={(event) => {
              walk(event, tab);
            }}
          >
            {TAB_NAMES[tab]}
          </button>
        ))}
      </div>
      <div className="grow" />
      <div className="row">
        <SourceStatus />
        <button
          type="button"
          aria-label={theme === 'dark' ? 'Use the light theme' : 'Use the dark theme'}
          title="Theme"
          onClick={() => {
            setTheme(theme === 'dark' ? 'light' : 'dark');
          }}
        >
          {theme === 'dark' ? '☀' : '☾'}
        </button>
        <button type="button" aria-label="Help and keys" title="Help (?)" onClick={onHelp}>
          ?
        </button>
      </div>
      <Gauges model={model} />
    </header>
  );
}

function outermost(state: string): string {
  return state.split(/[. ]/)[0] ?? '';
}

function Mark(): ReactNode {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <path d="M4 3v18M20 3v18" stroke="currentColor" strokeWidth="2.6" strokeLinecap="round" />
      <path
        d="M4 9c4-2.8 5.5 2.8 8 0s4.5-2 8 0M4 15c4-2.8 5.5 2.8 8 0s4.5-2 8 0"
        stroke="currentColor"
        strokeWidth="2"
        fill="none"
        strokeLinecap="round"
      />
    </svg>
  );
}

function SourceStatus(): ReactNode {
  const { source } = useViewer();
  const { status } = source;
  switch (status.kind) {
    case 'connecting':
      return <span className="badge">connecting …</span>;
    case 'live':
      return (
        <span className="badge state-running">
          <span aria-hidden="true">●</span> live
        </span>
      );
    case 'ended':
      return (
        <span className="badge">
          {source.model.end === undefined ? 'recording, breaks off' : 'run is over'}
        </span>
      );
    case 'disconnected':
      return (
        <span className="badge state-failed" title={plain(status.reason)}>
          disconnected
          {status.retryInMs === undefined
            ? ''
            : `, retrying in ${String(Math.ceil(status.retryInMs / 1000))} s`}
        </span>
      );
  }
}

/** What is in use of each resource, and by whom. */
function Gauges({ model }: { readonly model: RunModel }): ReactNode {
  const canControl = useCanControl();
  if (model.operators.length === 0) return null;
  const resources = Object.entries(model.budget.resources);
  return (
    <div className="gauges">
      {resources.map(([name, limit]) => {
        const total = 'amount' in limit ? limit.amount : limit.burst;
        const used = model.used[name] ?? 0;
        const holders = tokenHolders(model, name);
        const unit = 'amount' in limit ? '' : ` · ${count(limit.perSecond)}/s`;
        const who = holders
          .slice(0, 2)
          .map(({ operator, amount }) => `${plain(operator, 24)} ${count(amount)}`)
          .join(', ');
        return (
          <div className="row" key={name}>
            <Gauge
              label={plain(name, 24)}
              value={used}
              total={total}
              text={`${count(used)}/${count(total)}${unit}`}
              segments={holders.map(({ operator, amount }) => ({
                name: plain(operator),
                value: amount,
              }))}
            />
            {who === '' ? null : <span className="dim holders">{who}</span>}
          </div>
        );
      })}
      <Gauge
        label="live bytes"
        value={model.liveBytes}
        total={model.budget.blockBytes}
        text={`${bytes(model.liveBytes)} of ${bytes(model.budget.blockBytes)}, peak ${bytes(model.peakBytes)}`}
      />
      {canControl ? <BudgetControls /> : null}
    </div>
  );
}
