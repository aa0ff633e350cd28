/** Records what happens from now on into a file, while one goes on looking. */
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { startTape, type Tape } from '../../tape.ts';
import { useSurroundings, useViewer } from '../view/context.ts';
import { download, fileName } from '../view/download.ts';
import { clock, plural } from '../view/format.ts';

export function RecordButton(): ReactNode {
  const { say } = useSurroundings();
  const { source } = useViewer();
  const tape = useRef<Tape>(null);
  const [recorded, setRecorded] = useState<typeof source>();

  async function stop(): Promise<void> {
    const { current } = tape;
    if (current === null || recorded === undefined) return;
    tape.current = null;
    setRecorded(undefined);
    const name = fileName(recorded, 'run');
    download(name, 'application/x-ndjson', await current.stop());
    say(`${name} is made: ${plural(current.events(), 'event')}`);
  }
  const stopNow = useRef(stop);
  useEffect(() => {
    stopNow.current = stop;
  });
  useEffect(
    () => () => {
      void tape.current?.stop();
    },
    [],
  );

  if (recorded !== undefined) {
    const lasts = recorded.model.at - (tape.current?.from ?? 0);
    return (
      <button
        type="button"
        className="recording"
        data-action="record"
        aria-pressed="true"
        title="Stop recording, and save the file (R)"
        onClick={() => void stop()}
      >
        ■ Save {clock(lasts)}
      </button>
    );
  }
  if (source.status.kind !== 'live') return null;
  return (
    <button
      type="button"
      className="record"
      data-action="record"
      aria-pressed="false"
      title="Record what happens from now on into a file (R)"
      onClick={() => {
        setRecorded(source);
        tape.current = startTape(source, () => {
          void stopNow.current();
        });
      }}
    >
      <span aria-hidden="true">●</span> Rec
    </button>
  );
}
