/** Gets the pipeline out of a file: JavaScript, or TypeScript by whatever there is to run it. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Flow } from '../flow.ts';
import { importModule, TypeScriptError, type Exports } from '../node/import-module.ts';
import { LoadError, UsageError } from './cli-errors.ts';
import { isRefusal } from './exit-code.ts';

/**
 * Loads the flow that `file` exports: as `exportName` if that is given, else as default or as `flow`.
 * @throws UsageError when there is no such file or export.
 * @throws TypeScriptError when nothing is there to run TypeScript with.
 * @throws LoadError when the file fails while it is loaded.
 */
export async function loadFlow(file: string, exportName?: string): Promise<Flow<unknown>> {
  const path = resolve(file);
  if (!existsSync(path)) throw new UsageError(`there is no file ${file}`);
  const exports = await load(file, path);
  const names = exportName === undefined ? ['default', 'flow'] : [exportName];
  const flow = names.map((name) => exports[name]).find(isFlow);
  if (flow !== undefined) return flow;
  const flows = Object.keys(exports).filter((name) => isFlow(exports[name]));
  const wanted =
    exportName === undefined ? 'as default or as "flow"' : `as ${JSON.stringify(exportName)}`;
  const there =
    flows.length === 0
      ? 'it exports no flow at all'
      : `it exports: ${flows.join(', ')}; choose one with --export`;
  throw new UsageError(`${file} exports no flow ${wanted}: ${there}`);
}

async function load(file: string, path: string): Promise<Exports> {
  try {
    return await importModule(pathToFileURL(path), file);
  } catch (error) {
    if (error instanceof TypeScriptError) throw error;
    throw failureOf(file, error);
  }
}

/** A pipeline that refuses itself says all there is to say. */
function failureOf(file: string, error: unknown): unknown {
  return isRefusal(error) ? error : new LoadError(file, error);
}

/** By what it can do, not by its class: the file may bring a copy of Sluice of its own. */
function isFlow(value: unknown): value is Flow<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    'node' in value &&
    'start' in value &&
    typeof value.start === 'function'
  );
}
