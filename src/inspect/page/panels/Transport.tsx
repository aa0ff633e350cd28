/** The bar at the bottom: hold and step the run, and travel in its time. */
import { useEffect, useState, type ReactNode } from 'react';
import { useCanControl, useCommand, useViewer } from '../view/context.ts';
import { clock } from '../view/format.ts';
import { Breakpoints } from './Breakpoints.tsx';
import { RecordButton } from './RecordButton.tsx';

const SPEEDS = [0.1, 1, 4, 16] as const;

export function Transport(): ReactNode {
  const canControl = useCanControl();
  return (
    <footer className="transport">
      {canControl ? <Controls /> : null}
      <RecordButton />
      <TimeTravel />
      {canControl ? <Breakpoints /> : null}
    </footer>
  );
}

function Controls(): ReactNode {
  const { source } = useViewer();
  const command = useCommand();
  const isHeld = source.model.pausedSince !== undefined;
  return (
    <div className="row" role="group" aria-label="Control of the run">
      <button
        type="button"
        aria-pressed={isHeld}
        title={
          isHeld
            ? 'Resume the run (Space)'
            : 'Hold: no task starts, those that run go on (Space). What a task does outside is not stopped.'
        }
        onClick={() => {
          command({ type: isHeld ? 'resume' : 'hold' });
        }}
      >
        {isHeld ? '▶ Resume' : '‖ Hold'}
      </button>
      <button
        type="button"
        title="One cycle of the supervisor, then hold (.)"
        onClick={() => {
          command({ type: 'step', by: 'cycle' });
        }}
      >
        Step cycle
      </button>
      <button
        type="button"
        title="One task, then hold"
        onClick={() => {
          command({ type: 'step', by: 'task' });
        }}
      >
        Step task
      </button>
      <button
        type="button"
        title="Cancels the run: tasks are told, nothing more comes out"
        onClick={() => {
          if (window.confirm('Cancel the run? It cannot be taken up again.')) {
            command({ type: 'cancel' }, 'cancelled');
          }
        }}
      >
        Cancel run
      </button>
    </div>
  );
}

function TimeTravel(): ReactNode {
  const { viewer, source, model, place } = useViewer();
  const { range } = source;
  const [speed, setSpeed] = useState<number>(1);
  const [isPlaying, setPlaying] = useState(false);
  const newest = Math.max(range.to, source.model.at);
  const at = Math.min(place.at ?? newest, newest);
  const isOver = source.status.kind === 'ended';

  useEffect(() => {
    if (!isPlaying) return;
    let last: number | undefined;
    let frame = requestAnimationFrame(function advance(now) {
      frame = requestAnimationFrame(advance);
      const elapsed = last === undefined ? 0 : now - last;
      last = now;
      const end = Math.max(source.range.to, source.model.at);
      const next = (viewer.place.at ?? end) + elapsed * speed;
      if (next >= end) {
        setPlaying(false);
        viewer.go({ at: undefined }, true);
      } else {
        viewer.go({ at: next }, true);
      }
    });
    return () => {
      cancelAnimationFrame(frame);
    };
  }, [isPlaying, speed, viewer, source]);

  return (
    <>
      <button
        type="button"
        aria-label={isPlaying ? 'Stop playing' : 'Play from here'}
        title={isPlaying ? 'Stop playing' : 'Play what happened, from here'}
        aria-pressed={isPlaying}
        onClick={() => {
          if (!isPlaying && place.at === undefined) viewer.go({ at: range.from }, true);
          setPlaying(!isPlaying);
        }}
      >
        {isPlaying ? '‖' : '▷'}
      </button>
      <select
        aria-label="Speed of playing"
        value={speed}
        onChange={(event) => {
          setSpeed(Number(event.target.value));
        }}
      >
        {SPEEDS.map((value) => (
          <option key={value} value={value}>
            {value}×
          </option>
        ))}
      </select>
      <div className="scrub">
        <Marks from={range.from} to={newest} />
        <input
          type="range"
          aria-label="Moment of the run"
          aria-valuetext={
            place.at === undefined ? `now, ${clock(newest)}` : `${clock(at)} of ${clock(newest)}`
          }
          min={range.from}
          max={Math.max(newest, range.from + 1)}
          step="any"
          value={at}
          onChange={(event) => {
            const wanted = Number(event.target.value);
            viewer.go({ at: wanted >= newest - 1 ? undefined : wanted }, true);
          }}
        />
      </div>
      {place.at === undefined ? (
        <>
          <span className="mono dim">{clock(newest)}</span>
          {isOver ? null : (
            <button
              type="button"
              title="Freezes the view; the run goes on"
              onClick={() => {
                viewer.go({ at: model.at });
              }}
            >
              ❄ Freeze view
            </button>
          )}
        </>
      ) : (
        <>
          <span className="past">
            viewing {clock(at)} · {isOver ? 'end' : 'live'} is {clock(newest)}
            {viewer.isSeeking ? ' …' : ''}
          </span>
          {viewer.trouble === undefined ? null : <span className="past">{viewer.trouble}</span>}
          <button
            type="button"
            className="primary"
            title="Back to the newest moment (L)"
            onClick={() => {
              setPlaying(false);
              viewer.go({ at: undefined });
            }}
          >
            {isOver ? 'Go to the end' : 'Go live'}
          </button>
        </>
      )}
    </>
  );
}

/** Keyframes, and the times at which what limits the run was something else, under the slider. */
function Marks({ from, to }: { readonly from: number; readonly to: number }): ReactNode {
  const { source } = useViewer();
  const span = Math.max(1, to - from);
  const x = (at: number): number =>
    Math.min(1000, Math.max(0, Math.round((1000 * (at - from)) / span)));
  const whys = source.model.history.whys.entries;
  // Those that are too short to be seen are left out: there may be thousands.
  const bands = whys
    .map(({ since, kind }, index) => ({
      kind,
      left: x(since),
      right: x(whys[index + 1]?.since ?? to),
    }))
    .filter(({ left, right }) => right > left);
  return (
    <svg viewBox="0 0 1000 26" preserveAspectRatio="none" aria-hidden="true">
      {bands.map(({ kind, left, right }) => (
        <rect
          key={left}
          className={`why-band why-${kind}`}
          x={left}
          y={20}
          width={right - left}
          height={5}
        />
      ))}
      {source.range.keyframes.slice(-200).map((at) => (
        <rect key={at} className="keyframe" x={x(at)} y={1} width={1.2} height={4} />
      ))}
    </svg>
  );
}
