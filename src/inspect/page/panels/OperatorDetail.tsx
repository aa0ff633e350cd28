/** Everything about one operator: what it does and why, where its time went, what it holds, what went wrong. */
import type { ReactNode } from 'react';
import {
  actorOf,
  edgesOf,
  lookOf,
  rowRate,
  sharesAt,
  taskDurations,
  type OperatorModel,
  type RunModel,
} from '../../../run-model/index.ts';
import { useViewer } from '../view/context.ts';
import {
  doingInWords,
  limitInWords,
  SHARE_KINDS,
  SHARE_WORDS,
  shareSums,
} from '../view/figures.ts';
import { bytes, clock, count, duration, limitText, plain, plural } from '../view/format.ts';
import { OperatorControls } from './OperatorControls.tsx';
import { StateBadge } from './parts.tsx';

export function OperatorDetail({ operator }: { readonly operator: OperatorModel }): ReactNode {
  const { viewer, model } = useViewer();
  const { figures } = operator;
  const info = model.plan.operators[operator.index];
  const { p50, p95 } = taskDurations(operator);
  const waiting = figures.in.reduce((sum, blocks) => sum + blocks, 0);
  const waitingBytes = figures.inBytes.reduce((sum, size) => sum + size, 0);
  const needs = Object.entries(info?.needs ?? {}).map(
    ([name, amount]) => `${name} ${count(amount)}`,
  );
  return (
    <>
      <div className="row">
        <StateBadge look={lookOf(model, operator)} />
        <span className="dim">
          {operator.state} for {duration(Math.max(0, model.at - operator.stateSince))}
        </span>
      </div>
      <Cause operator={operator} model={model} />
      <h3>Where its time went</h3>
      <Shares operator={operator} at={model.at} />
      <h3>Blocks</h3>
      <dl className="facts">
        <dt>in</dt>
        <dd>
          {plural(waiting, 'block')}, {bytes(waitingBytes)}
          {oldestOf(model, operator.index)}
        </dd>
        <Ports operator={operator} model={model} />
        <dt>active</dt>
        <dd>
          {count(figures.active)} of {limitText(figures.maxConcurrency)}{' '}
          {figures.maxConcurrency === 1 ? 'task' : 'tasks'}
          {figures.holding > 0 ? `, ${count(figures.holding)} waiting for room for output` : ''}
        </dd>
        <dt>out</dt>
        <dd>
          {plural(figures.out, 'block')}, {bytes(figures.outBytes)}
          {figures.parked > 0 ? `, ${count(figures.parked)} kept for order` : ''}
        </dd>
        <dt>done</dt>
        <dd>
          {plural(figures.done, 'task')}, {plural(figures.rowsIn, 'row')} in,{' '}
          {plural(figures.rowsOut, 'row')} out ({count(Math.round(rowRate(model, operator.index)))}{' '}
          rows/s)
        </dd>
        <dt>durations</dt>
        <dd>
          {p50 === undefined
            ? 'no task is over yet'
            : `p50 ${duration(p50)}, p95 ${duration(p95 ?? p50)}`}
        </dd>
        <dt>needs</dt>
        <dd>{needs.length === 0 ? 'nothing' : `${plain(needs.join(', '))} a task`}</dd>
        <dt>on error</dt>
        <dd>
          {info === undefined
            ? ''
            : `${plural(info.retries, 'retry').replace('retrys', 'retries')}, then ${info.onError}`}
        </dd>
      </dl>
      <Errors operator={operator} />
      <OperatorControls operator={operator} />
      <h3>Look closer</h3>
      <div className="row">
        <button
          type="button"
          onClick={() => {
            const actor = actorOf(model, operator.name);
            if (actor === undefined) return;
            viewer.go({ tab: 'actors', selection: { kind: 'actor', path: actor.path } });
          }}
        >
          Statechart
        </button>
        <button
          type="button"
          onClick={() => {
            viewer.go({ tab: 'timeline' });
          }}
        >
          Tasks
        </button>
        <button
          type="button"
          onClick={() => {
            viewer.go({ tab: 'messages' });
          }}
        >
          Messages
        </button>
        <button
          type="button"
          onClick={() => {
            viewer.go({ tab: 'metrics' });
          }}
        >
          Metrics
        </button>
      </div>
    </>
  );
}

/** Limits that say nothing of an operator that runs. */
const NO_RESOURCES: readonly string[] = ['queue', 'demand', 'maxConcurrency'];

/** Why it does what it does. */
function Cause({
  operator,
  model,
}: {
  readonly operator: OperatorModel;
  readonly model: RunModel;
}): ReactNode {
  const { denial, troubled, doing, name } = operator;
  const { failure } = model.end ?? {};
  if (failure?.operator === name) {
    return (
      <div className="callout" data-level="bad" data-cause="failure">
        <strong>Failed</strong>
        {failure.lineage === undefined ? '' : ` on block ${plain(failure.lineage)}`}
        {failure.attempt === undefined ? '' : `, attempt ${String(failure.attempt)}`}:{' '}
        {plain(failure.error, 2000)}
      </div>
    );
  }
  if (troubled !== undefined) {
    return (
      <div className="callout" data-level="bad" data-cause="troubled">
        <strong>Block {plain(troubled.lineage)} keeps failing</strong>:{' '}
        {plural(troubled.attempts, 'attempt')} since {clock(troubled.since)}, the last with “
        {plain(troubled.error, 2000)}”
      </div>
    );
  }
  const isBusy = doing === 'running' && NO_RESOURCES.includes(denial?.limit ?? '');
  if (denial !== undefined && doing !== 'starved' && !isBusy) {
    return (
      <div className="callout" data-level="warn" data-cause="denial">
        <strong>
          {doing === 'running' ? 'Could do more: waits' : 'Waits'} for {limitInWords(denial.limit)}
        </strong>{' '}
        for {duration(Math.max(0, model.at - denial.since))}: {denialAmounts(denial)}
      </div>
    );
  }
  if (doing === 'starved') {
    return (
      <div className="callout" data-cause="starved">
        Waits for input for {duration(Math.max(0, model.at - operator.doingSince))}.
      </div>
    );
  }
  return null;
}

function denialAmounts({
  limit,
  asked,
  free,
}: {
  limit: string;
  asked: number;
  free: number;
}): string {
  if (limit === 'blockBytes') return `asks for ${bytes(asked)}, ${bytes(free)} free.`;
  if (limit === 'queue') return 'the operators behind it have as many blocks waiting as they may.';
  if (limit === 'demand') return 'nobody takes the outputs that are there.';
  return `asks for ${count(asked)}, ${count(free)} free.`;
}

function oldestOf(model: RunModel, index: number): string {
  const ages = edgesOf(model).flatMap(({ to, oldestMs }) =>
    to === index && oldestMs !== undefined ? [oldestMs] : [],
  );
  return ages.length === 0 ? '' : `, the oldest for ${duration(Math.max(...ages))}`;
}

/** Which input has how many blocks: only worth a line when there are several. */
function Ports({
  operator,
  model,
}: {
  readonly operator: OperatorModel;
  readonly model: RunModel;
}): ReactNode {
  const { figures, index } = operator;
  if (figures.in.length < 2) return null;
  const nameOf = (port: number): string =>
    model.plan.operators
      .filter(({ edges }) => edges.some((edge) => edge.to === index && edge.port === port))
      .map(({ name }) => plain(name, 40))
      .join(', ');
  return figures.in.map((blocks, port) => (
    <div key={port} style={{ display: 'contents' }}>
      <dt>input {port + 1}</dt>
      <dd>
        {plural(blocks, 'block')} from {nameOf(port)}
      </dd>
    </div>
  ));
}

function Shares({
  operator,
  at,
}: {
  readonly operator: OperatorModel;
  readonly at: number;
}): ReactNode {
  const sums = shareSums(operator, at);
  const parts = Object.entries(sharesAt(operator, at))
    .filter(([, percent]) => percent >= 0.5)
    .sort(([, a], [, b]) => b - a);
  const text = parts.map(([doing, percent]) => `${doingInWords(doing)} ${percent.toFixed(0)} %`);
  return (
    <>
      <div className="shares" role="img" aria-label={text.join(', ')}>
        {SHARE_KINDS.map((kind) => (
          <span
            key={kind}
            className={`share-${kind}`}
            title={`${SHARE_WORDS[kind]} ${sums[kind].toFixed(0)} %`}
            style={{ width: `${String(sums[kind])}%` }}
          />
        ))}
      </div>
      <ul className="legend">
        {text.map((part) => (
          <li key={part}>{part}</li>
        ))}
      </ul>
    </>
  );
}

function Errors({ operator }: { readonly operator: OperatorModel }): ReactNode {
  const { errors, figures } = operator;
  if (errors.length === 0 && figures.dropped === 0) return null;
  return (
    <>
      <h3>Went wrong</h3>
      <p>
        {plural(figures.retried, 'attempt')} repeated, {plural(figures.failed, 'task')} failed,{' '}
        {plural(figures.dropped, 'block')} and {plural(figures.rowsDropped, 'row')} given up.
      </p>
      <ol className="errors">
        {errors
          .slice(-6)
          .reverse()
          .map(({ at, kind, lineage, attempt, error }) => (
            <li key={`${String(at)} ${lineage} ${String(attempt)} ${kind}`}>
              <span className="mono dim">{clock(at)}</span> {kind}, block {plain(lineage)}, attempt{' '}
              {attempt}: {plain(error, 300)}
            </li>
          ))}
      </ol>
    </>
  );
}
