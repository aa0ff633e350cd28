/** Opens whatever a component is given: a run, an address, a recording. */
import { liveEnv } from '../../actors/env.ts';
import { OptionError } from '../../machines/errors.ts';
import type { Run } from '../run.ts';
import { localSource, recorderSource } from './local-source.ts';
import { readRecording, type Recording } from './recording.ts';
import { recordingSource } from './recording-source.ts';
import type { RunSource } from './run-source.ts';
import { connectSource } from './socket-source.ts';
import { createRecorder } from './recorder.ts';
import { watchReceiver, type XState4Receiver } from './xstate4/watch-receiver.ts';

/**
 * A run of this process, the address an inspector's server printed (with its token), a recording that
 * was read, the file of one, a receiver of `@xstate/inspect` (an app with XState 4), or a source of one's
 * own.
 */
export type Inspected = AnyRun | string | URL | Recording | Blob | XState4Receiver | RunSource;

/** A run of whatever rows: what tells it from the others. */
type AnyRun = Pick<Run<unknown>, 'name' | 'trace' | 'snapshot' | 'cancel'>;

export interface OpenOptions {
  /** A run of this process may be held, stepped and changed by whoever looks. Default: false. */
  readonly control?: boolean;
}

/** Opens it. Whoever opens a source closes it; a source of one's own is handed back as it is. */
export async function openSource(what: Inspected, options: OpenOptions = {}): Promise<RunSource> {
  if (typeof what === 'string' || what instanceof URL) return connect(new URL(what, baseAddress()));
  if (what instanceof Blob) return recordingSource(await readRecording(what));
  if ('modelAt' in what) return what;
  if ('events' in what) return recordingSource(what);
  if ('subscribe' in what) {
    const recorder = createRecorder('run-0', watchReceiver(what, 'XState 4', liveEnv));
    return recorderSource(recorder, liveEnv, { control: false, values: true });
  }
  return localSource(what as Run<unknown>, options);
}

function connect(address: URL): RunSource {
  const token = new URLSearchParams(address.hash.slice(1)).get('token');
  if (token === null) {
    throw new OptionError(
      'source',
      `the address ${address.origin}${address.pathname} has no token: give the whole address that the inspector printed, with what follows #`,
    );
  }
  const url = new URL('live', address);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.hash = '';
  url.search = '';
  return connectSource({ url: url.href, token });
}

function baseAddress(): string | undefined {
  return typeof location === 'undefined' ? undefined : location.href;
}
