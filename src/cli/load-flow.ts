/** Gets the pipeline out of a file: JavaScript, or TypeScript by whatever there is to run it. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Flow } from '../flow.ts';
import { LoadError, TypeScriptError, UsageError } from './cli-errors.ts';
import { isRefusal } from './exit-code.ts';

type Exports = Readonly<Record<string, unknown>>;

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
    return (await import(pathToFileURL(path).href)) as Exports;
  } catch (error) {
    if (!isForeignSyntax(error)) throw failureOf(file, error);
    const importTypeScript = await findLoader();
    if (importTypeScript === undefined) throw new TypeScriptError(file, error);
    try {
      return await importTypeScript(path);
    } catch (laterError) {
      throw failureOf(file, laterError);
    }
  }
}

/** What imports TypeScript, if it is installed. */
async function findLoader(): Promise<((path: string) => Promise<Exports>) | undefined> {
  const jiti = await ifInstalled(import('jiti'));
  // Its version 1, which many tools bring along, cannot do it.
  if (jiti !== undefined && 'createJiti' in jiti) {
    return (path) => jiti.createJiti(import.meta.url, { fsCache: false }).import<Exports>(path);
  }
  const tsx = await ifInstalled(import('tsx/esm/api'));
  if (tsx === undefined) return undefined;
  return (path) => tsx.tsImport(pathToFileURL(path).href, import.meta.url) as Promise<Exports>;
}

async function ifInstalled<T>(module: Promise<T>): Promise<T | undefined> {
  try {
    return await module;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Node met TypeScript, or TypeScript that takes more than leaving out the types. */
function isForeignSyntax(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') return true;
  return code === 'ERR_UNKNOWN_FILE_EXTENSION' && /"\.[cm]?tsx?"/.test(String(error));
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
