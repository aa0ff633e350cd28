/** Numbers as people read them: counts, bytes, seconds. */

const COUNT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const AMOUNT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });
const TENTHS = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `12,345` */
export function formatCount(count: number): string {
  return COUNT.format(count);
}

/** `0.25`: amounts of resources may be fractions. */
export function formatAmount(amount: number): string {
  return AMOUNT.format(amount);
}

/** `3 blocks`, `1 block` */
export function countOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** `1.5 MiB` */
export function formatBytes(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  // As shown, 1023.96 KiB would be 1024.0 KiB.
  while (amount >= 1023.95 && unit < BYTE_UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${TENTHS.format(amount)} ${BYTE_UNITS[unit] ?? ''}`;
}

/** `35 ms`, `4.2 s`, `3 min 20 s` */
export function formatTime(ms: number): string {
  if (ms < 99.5) return `${ms.toFixed(0)} ms`;
  const seconds = ms / 1000;
  if (seconds < 99.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${String(Math.floor(whole / 60))} min ${String(whole % 60)} s`;
}
