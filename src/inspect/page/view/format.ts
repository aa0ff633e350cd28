/** Numbers as people read them. Never through `Intl`: a browser with an odd locale throws in it. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `6.4 MB` */
export function bytes(value: number): string {
  let unit = 0;
  let rest = Math.abs(value);
  while (rest >= 1000 && unit < UNITS.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${value < 0 ? '-' : ''}${short(rest)} ${UNITS[unit] ?? ''}`;
}

/** `2.4k`, `1.2M`, `17`, `0.35` */
export function count(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${short(value / 1e9)}G`;
  if (size >= 1e6) return `${short(value / 1e6)}M`;
  if (size >= 10_000) return `${short(value / 1e3)}k`;
  return short(value);
}

/** A number of tasks an operator may have; so many that it is none is `∞`. */
export function limitText(maxConcurrency: number): string {
  return maxConcurrency > 9999 ? '∞' : count(maxConcurrency);
}

function short(value: number): string {
  const size = Math.abs(value);
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2).replace(/\.?0+$/, '');
}

/** A length of time: `840 us`, `80 ms`, `4.2 s`, `3 min 5 s`, `1 h 2 min`. */
export function duration(ms: number): string {
  if (ms < 1 && ms > 0) return `${String(Math.round(ms * 1000))} µs`;
  if (ms < 1000) return `${short(Math.round(ms * 10) / 10)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 3600) return `${String(Math.floor(seconds / 60))} min ${String(seconds % 60)} s`;
  return `${String(Math.floor(seconds / 3600))} h ${String(Math.floor((seconds % 3600) / 60))} min`;
}

/** A point in time of a run: `00:12.4`, or `1:02:03.4` from an hour on. */
export function clock(ms: number): string {
  const tenths = Math.max(0, Math.floor(ms / 100));
  const [hours, minutes] = [Math.floor(tenths / 36_000), Math.floor(tenths / 600) % 60];
  const seconds = `${pad(Math.floor(tenths / 10) % 60)}.${String(tenths % 10)}`;
  return hours > 0 ? `${String(hours)}:${pad(minutes)}:${seconds}` : `${pad(minutes)}:${seconds}`;
}

/** The same to the millisecond: `00:12.417` */
export function clockMs(ms: number): string {
  const rest = String(Math.max(0, Math.floor(ms)) % 1000).padStart(3, '0');
  return clock(ms).replace(/\d$/, rest);
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}

/** `1 block`, `2 blocks` */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Text of others, shown as it is except for characters that draw over what stands around them. */
export function plain(text: string, limit = 400): string {
  const safe = text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    '·',
  );
  return safe.length > limit ? `${safe.slice(0, limit)}…` : safe;
}
