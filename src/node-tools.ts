/**
 * What a run can do in Node alone. The main entry imports this file only when it is asked for, and a
 * bundler for browsers takes `browser-tools.ts` in its place (see `browser` in package.json).
 */
import { describe, OptionError } from '../machines/errors.ts';
import type { InspectorOptions, RecordingFile, RecordOptions } from './inspect/options.ts';
import { recordEvents } from './inspect/server/recording-file.ts';
import { internalsOf } from './run-internals.ts';
import type { Run } from './run.ts';
import { checkNames } from './options.ts';

/** Shows a run in the inspector of this process. Returns the address of the page. */
export async function inspectRun<T>(run: Run<T>, options: InspectorOptions): Promise<string> {
  // It takes `ws`, which is there only for those who inspect.
  const { sharedInspector } = await import('./inspect/server/inspector.ts');
  return (await sharedInspector(options)).inspect(run);
}

/** Addresses that have been printed. */
const announced = new Set<string>();

/**
 * Shows a run because `SLUICE_INSPECT` asks for it: the address goes to the error output, once. What goes
 * wrong is warned about, and is no business of the run.
 */
export async function announceRun<T>(run: Run<T>, options: InspectorOptions): Promise<void> {
  try {
    const url = await inspectRun(run, options);
    if (announced.has(url)) return;
    announced.add(url);
    process.stderr.write(`inspector: ${url}\n`);
  } catch (error) {
    process.emitWarning(`SLUICE_INSPECT: ${describe(error)}`, 'SluiceInspectorWarning');
  }
}

/** Records a run to a file from now on. */
export function recordRun<T>(run: Run<T>, path: string, options: RecordOptions): RecordingFile {
  if (typeof path !== 'string' || path === '') {
    throw new OptionError('path', 'record(path) needs the path of a file');
  }
  checkNames('options', options, ['redact']);
  const { env, startedAt } = internalsOf(run) ?? { env: undefined, startedAt: 0 };
  return recordEvents(
    path,
    {
      name: run.name,
      startedAt: (env?.timeOrigin ?? 0) + startedAt,
      listen(listener, end) {
        const subscription = run.trace.subscribe({ next: listener, complete: end, error: end });
        return () => {
          subscription.unsubscribe();
        };
      },
    },
    options,
  );
}
