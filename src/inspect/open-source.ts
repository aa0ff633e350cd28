/** Opens whatever a component is given: a run, an address, a recording. */
import { OptionError } from '../../machines/errors.ts';
import type { Run } from '../run.ts';
import { localSource } from './local-source.ts';
import { readRecording, type Recording } from './recording.ts';
import { recordingSource } from './recording-source.ts';
import type { RunSource } from './run-source.ts';
import { connectSource } from './socket-source.ts';

/**
 * A run of this process, the address an inspector's server printed (with its token), a recording that
 * was read, the file of one, or a source of one's own.
 */
export type Inspected = AnyRun | string | URL | Recording | Blob | RunSource;

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
