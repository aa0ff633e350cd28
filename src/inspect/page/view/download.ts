/** Files that the page makes, and the browser saves: they are sent nowhere. */
import type { RunSource } from '../../run-source.ts';

/** A name for a file about the run that a source shows. */
export function fileName(source: RunSource, ending: string): string {
  const name = (source.run?.name ?? 'run').replace(/[^\w.-]+/g, '-').slice(0, 60);
  return `${name}.${ending}`;
}

export function download(name: string, type: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, 10_000);
}
