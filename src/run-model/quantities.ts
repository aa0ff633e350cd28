/** Quantities as people read them. Independent of the locale, so that they are the same everywhere. */

const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `3.1 MiB` */
export function bytesText(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (Math.abs(size) >= 1024 && unit < SIZES.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${amountText(size)} ${SIZES[unit] ?? ''}`;
}

/** Three digits that count: `0.25`, `1.5`, `120`. */
export function amountText(amount: number): string {
  if (Number.isInteger(amount)) return String(amount);
  const digits = Math.abs(amount) >= 100 ? 0 : Math.abs(amount) >= 10 ? 1 : 2;
  return String(Number(amount.toFixed(digits)));
}

/** `0.4 ms`, `80 ms`, `2.5 s`, `3 min 20 s` */
export function durationText(milliseconds: number): string {
  if (milliseconds < 1000) return `${amountText(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${amountText(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return `${String(minutes)} min ${String(Math.floor(seconds % 60))} s`;
}

/** `1 block`, `2 blocks` */
export function countText(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}
