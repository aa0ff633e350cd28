/** Percentiles of a few numbers. */

/**
 * The values below which so many percent (0 to 100) of the numbers are, one for each percentage; undefined
 * when there are no numbers. They are sorted once, and as plain doubles: that is done for each operator and sample.
 */
export function percentiles(
  numbers: readonly number[],
  percents: readonly number[],
): readonly (number | undefined)[] {
  const sorted = Float64Array.from(numbers).sort();
  const last = sorted.length - 1;
  return percents.map((percent) => {
    const rank = Math.ceil((percent / 100) * sorted.length) - 1;
    return sorted[Math.max(0, Math.min(last, rank))];
  });
}
