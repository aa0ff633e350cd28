/** Reads what people type where a number of the run can be changed: the number, or what is wrong with it. */

const UNITS = ['b', 'kib', 'mib', 'gib', 'tib'];

/** An amount of a resource. */
export function readAmount(text: string): number | string {
  const value = Number(text);
  if (text === '' || Number.isNaN(value)) return 'write a number';
  return value > 0 && Number.isFinite(value)
    ? value
    : 'it must be above 0: cancel the run to end it, hold it to stop it';
}

/** A number of tasks. */
export function readCount(text: string): number | string {
  const value = Number(text);
  return text !== '' && Number.isSafeInteger(value) && value >= 1
    ? value
    : 'write a whole number of at least 1';
}

/** A number of bytes, with a unit or without: `64 MiB`, `1000000`. */
export function readBytes(text: string): number | string {
  const [, digits, unit = 'b'] = /^(\d*\.?\d+)\s*([kmgt]?i?b)?$/i.exec(text) ?? [];
  const power = UNITS.indexOf(unit.toLowerCase());
  if (digits === undefined || power < 0) return 'write bytes, or with a unit: 64 MiB';
  const value = Math.floor(Number(digits) * 1024 ** power);
  return value > 0 ? value : 'it must be above 0';
}
