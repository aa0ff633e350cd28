/** `sluice open`: shows a recording in the inspector until it is interrupted. */
import { openRecording, startInspector } from '../inspect/server/index.ts';
import { SIGNAL_EXIT_CODES } from './exit-code.ts';
import { signalGiven } from './signals.ts';

export interface OpenOptions {
  readonly port?: number;
}

/** Returns the exit code: it ends when it is told to, and that is no failure. */
export async function openInInspector(file: string, options: OpenOptions): Promise<number> {
  const recording = await openRecording(file);
  const inspector = await startInspector(options);
  const { name } = recording.header;
  const partial = recording.isPartial ? ', which breaks off before its end' : '';
  process.stdout.write(`${name}: ${String(recording.events.length)} events${partial}\n`);
  process.stdout.write(`inspector: ${inspector.open(recording)}\n`);
  const signal = await signalGiven();
  await inspector.close();
  return signal === 'SIGINT' ? 0 : SIGNAL_EXIT_CODES[signal];
}
