/**
 * What `run.inspect` and `run.record` take and give. Types alone: the main entry names them, and must
 * not know Node.
 */
import type { RecorderOptions } from './recorder.ts';

export interface InspectorOptions extends RecorderOptions {
  /** Whether those who have the control address may hold, step and change runs. Default: false. */
  readonly control?: boolean;
  /** Default: any port that is free. */
  readonly port?: number;
  /** Default: `127.0.0.1`. Anything else needs `allowedHosts`, and is warned about. */
  readonly host?: string;
  /**
   * Names, with their ports, by which the inspector may be reached besides those of this machine:
   * `build.example.org:8080`.
   */
  readonly allowedHosts?: readonly string[];
  /** Whether contexts of actors may be asked for. Default: true. */
  readonly values?: boolean;
  /** Origins of pages that may show the inspector in a frame. Default: none. */
  readonly frameAncestors?: readonly string[];
  /** Folder of the page. Default: that of the package. */
  readonly ui?: string;
  /** How long a run stays held when the last one who could resume it has gone. Default: 30,000 ms. */
  readonly resumeAfterMs?: number;
}

export interface RecordingFile {
  readonly path: string;
  /** Events written so far. */
  readonly events: number;
  /** Events that were left out because the disk was too slow. */
  readonly lost: number;
  /** Ends the recording. It ends by itself with the run. */
  stop(): Promise<void>;
  /** Resolves when the file is complete; rejects with the error of the disk. */
  readonly done: Promise<void>;
}

export interface RecordOptions {
  /** Leaves passwords and tokens in texts as they are. Default: they are taken out. */
  readonly redact?: false;
}
