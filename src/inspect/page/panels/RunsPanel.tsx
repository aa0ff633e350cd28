/** Runs to choose from, recordings to open, and two of them side by side. */
import { useRef, useState, type ReactNode } from 'react';
import type { RunModel } from '../../../run-model/index.ts';
import { readRecording } from '../../recording.ts';
import { recordingSource } from '../../recording-source.ts';
import { useSurroundings, useViewer } from '../view/context.ts';
import { compareRuns } from '../view/compare.ts';
import { duration, plain } from '../view/format.ts';
import { lookOfState } from '../view/state-look.ts';
import { Exports } from './Exports.tsx';
import { StateBadge } from './parts.tsx';

export function RunsPanel(): ReactNode {
  const { opened, show, add, say } = useSurroundings();
  const { source, model } = useViewer();
  const file = useRef<HTMLInputElement>(null);
  const [trouble, setTrouble] = useState<string>();

  async function open(chosen: File): Promise<void> {
    try {
      const recording = recordingSource(await readRecording(chosen));
      setTrouble(undefined);
      add({ name: chosen.name, source: recording });
      say(`opened ${plain(chosen.name)}`);
    } catch (error) {
      setTrouble(error instanceof Error ? error.message : String(error));
    }
  }

  return (
    <div className="panel-body runs" tabIndex={0} role="region" aria-label="Runs">
      <section>
        <h2>This inspector shows</h2>
        <table>
          <thead>
            <tr>
              <th scope="col">run</th>
              <th scope="col">began</th>
              <th scope="col">state</th>
              <th scope="col">shown</th>
            </tr>
          </thead>
          <tbody>
            {source.runs.map(({ id, name, startedAt, ended, kind }) => (
              <tr key={id}>
                <td>
                  {plain(name, 80)} <span className="dim">{kind === 'actor' ? 'actor' : ''}</span>
                </td>
                <td className="mono">{timeText(startedAt)}</td>
                <td>
                  {id === source.run?.id && model.end !== undefined ? (
                    <StateBadge look={lookOfState(model.end.status).look} word={model.end.status} />
                  ) : ended ? (
                    'over'
                  ) : (
                    'under way'
                  )}
                </td>
                <td>
                  {id === source.run?.id ? (
                    'this one'
                  ) : (
                    <button
                      type="button"
                      onClick={() => {
                        source.select(id).catch((error: unknown) => {
                          setTrouble(error instanceof Error ? error.message : String(error));
                        });
                      }}
                    >
                      Show
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <section>
        <h2>Recordings</h2>
        <p className="dim">
          A recording holds every event of a run, and shows it as if it ran now. Made with{' '}
          <code>run.record('file.run')</code> or <code>sluice run FILE --record file.run</code>; it
          is opened here, in this page, and sent nowhere.
        </p>
        <div className="row wrap">
          <button type="button" className="primary" onClick={() => file.current?.click()}>
            Open a recording …
          </button>
          <input
            ref={file}
            type="file"
            className="visually-hidden"
            tabIndex={-1}
            aria-label="Recording to open"
            accept=".run,.ndjson,.jsonl,.gz"
            onChange={(event) => {
              const [chosen] = event.target.files ?? [];
              if (chosen !== undefined) void open(chosen);
              event.target.value = '';
            }}
          />
          {opened.map((entry) => (
            <button
              key={entry.name}
              type="button"
              aria-pressed={entry.source === source}
              onClick={() => {
                show(entry.source);
              }}
            >
              {plain(entry.name, 60)}
            </button>
          ))}
        </div>
        {trouble === undefined ? null : (
          <div className="callout" data-level="bad" role="alert">
            {plain(trouble, 600)}
          </div>
        )}
      </section>
      <Exports />
      <Comparison />
    </div>
  );
}

function timeText(at: number): string {
  return at <= 0 ? '' : new Date(at).toISOString().replace('T', ' ').slice(0, 19);
}

/** Two runs of those that are open, fact by fact. */
function Comparison(): ReactNode {
  const { opened } = useSurroundings();
  const [first, setFirst] = useState(0);
  const [second, setSecond] = useState(1);
  const [a, b] = [opened[first], opened[second]];
  const choose = (label: string, value: number, set: (index: number) => void): ReactNode => (
    <label>
      {label}{' '}
      <select
        value={value}
        onChange={(event) => {
          set(Number(event.target.value));
        }}
      >
        {opened.map(({ name }, index) => (
          <option key={name} value={index}>
            {plain(name, 60)}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <section>
      <h2>Compare two runs</h2>
      {opened.length < 2 || a === undefined || b === undefined ? (
        <p className="dim">Open a recording: it can then be compared with what is shown now.</p>
      ) : (
        <>
          <div className="row wrap">
            {choose('A', first, setFirst)}
            {choose('B', second, setSecond)}
          </div>
          <Differences a={a.source.model} b={b.source.model} />
        </>
      )}
    </section>
  );
}

function Differences({ a, b }: { readonly a: RunModel; readonly b: RunModel }): ReactNode {
  return (
    <table className="compare">
      <caption className="dim">
        A took {duration(a.end?.at ?? a.at)}, B {duration(b.end?.at ?? b.at)}
      </caption>
      <thead>
        <tr>
          <th scope="col">operator</th>
          <th scope="col">fact</th>
          <th scope="col" className="num">
            A
          </th>
          <th scope="col" className="num">
            B
          </th>
          <th scope="col" className="num">
            B is
          </th>
        </tr>
      </thead>
      <tbody>
        {compareRuns(a, b).map(({ operator, fact, a: left, b: right, change, isCost }) => (
          <tr key={`${operator} ${fact}`}>
            <td>{plain(operator, 60)}</td>
            <td>{fact}</td>
            <td className="num">{left}</td>
            <td className="num">{right}</td>
            <td className={`num ${changeTone(change, isCost)}`}>
              {change === undefined
                ? ''
                : Math.abs(change) < 0.5
                  ? 'the same'
                  : `${change > 0 ? '+' : '−'}${Math.abs(change).toFixed(0)} %`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function changeTone(change: number | undefined, isCost: boolean): string {
  if (change === undefined || !isCost || Math.abs(change) < 5) return '';
  return change > 0 ? 'worse' : 'better';
}
