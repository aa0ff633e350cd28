/** Waiting to be told to end. */
import { liveEnv } from '../../actors/env.ts';
import { SIGNAL_EXIT_CODES, type EndSignal } from './exit-code.ts';

/** Twelve days: longer than anybody looks. */
const LONG_MS = 2 ** 30;

/** Keeps the process alive until it gets a signal to end, or until `until` is settled. */
export async function signalGiven(): Promise<EndSignal>;
export async function signalGiven(until: Promise<unknown>): Promise<EndSignal | undefined>;
export async function signalGiven(until?: Promise<unknown>): Promise<EndSignal | undefined> {
  // A promise alone, or a server that keeps nothing alive, would let the process end.
  const letGo = liveEnv.setTimer(LONG_MS, () => undefined);
  const names = Object.keys(SIGNAL_EXIT_CODES) as EndSignal[];
  let listener: (name: NodeJS.Signals) => void = () => undefined;
  const given = new Promise<EndSignal>((resolve) => {
    listener = (name) => {
      resolve(name as EndSignal);
    };
  });
  for (const name of names) process.on(name, listener);
  try {
    return await (until === undefined ? given : Promise.race([given, until.then(() => undefined)]));
  } finally {
    letGo();
    for (const name of names) process.off(name, listener);
  }
}
