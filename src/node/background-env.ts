/** The real world for those who only watch: their timers do not keep the process alive. */
import { clearTimeout, setTimeout } from 'node:timers';
import { liveEnv, type Env } from '../../actors/env.ts';

export const backgroundEnv: Env = {
  ...liveEnv,
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, delayMs).unref();
    return () => {
      clearTimeout(timer);
    };
  },
};
