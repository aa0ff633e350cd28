/** Imports a module of the user's: JavaScript, or TypeScript by whatever there is to run it. */
import { fileURLToPath } from 'node:url';
import { describe, SluiceError } from '../../machines/errors.ts';

export type Exports = Readonly<Record<string, unknown>>;

/** A TypeScript file, and nothing to run it with. */
export class TypeScriptError extends SluiceError {
  override readonly name = 'TypeScriptError';
  readonly code = 'TYPESCRIPT';

  constructor(file: string, cause: unknown) {
    super(
      `${file} is TypeScript, which Node ${process.versions.node} could not run by itself: ${describe(cause)}. ` +
        'There are three ways out: Node 22.18 or newer; jiti (npm install --save-dev jiti); ' +
        'or tsx (npm install --save-dev tsx)',
      { cause },
    );
  }
}

/**
 * Imports a module. `file` is what it is called in errors.
 * @throws TypeScriptError when it is TypeScript, and nothing is there to run it with.
 */
export async function importModule(url: URL, file: string): Promise<Exports> {
  try {
    return (await import(url.href)) as Exports;
  } catch (error) {
    if (!isForeignSyntax(error)) throw error;
    const importTypeScript = await findLoader();
    if (importTypeScript === undefined) throw new TypeScriptError(file, error);
    return importTypeScript(url);
  }
}

/** What imports TypeScript, if it is installed. */
async function findLoader(): Promise<((url: URL) => Promise<Exports>) | undefined> {
  const jiti = await ifInstalled(import('jiti'));
  // Its version 1, which many tools bring along, cannot do it.
  if (jiti !== undefined && 'createJiti' in jiti) {
    const { createJiti } = jiti;
    return (url) =>
      createJiti(import.meta.url, { fsCache: false }).import<Exports>(fileURLToPath(url));
  }
  const tsx = await ifInstalled(import('tsx/esm/api'));
  if (tsx === undefined) return undefined;
  return (url) => tsx.tsImport(url.href, import.meta.url) as Promise<Exports>;
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
