/** Percentiles of a few numbers. */

/** The value below which so many percent (0 to 100) of the numbers are; undefined when there are none. */
export function percentile(numbers: readonly number[], percent: number): number | undefined {
  if (numbers.length === 0) return undefined;
  const sorted = [...numbers].sort((a, b) => a - b);
  const rank = Math.ceil((percent / 100) * sorted.length) - 1;
  return sorted[Math.max(0, Math.min(sorted.length - 1, rank))];
}
