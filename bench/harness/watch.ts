/** What takes time, and how much. */

/** Milliseconds on the clock, and of processors, all threads together. */
export interface Taken {
  readonly wall: number;
  readonly cpu: number;
}

/** @returns what tells how much was taken since. */
export function startWatch(): () => Taken {
  const before = performance.now();
  const cpuBefore = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(cpuBefore);
    return { wall: performance.now() - before, cpu: (user + system) / 1000 };
  };
}
