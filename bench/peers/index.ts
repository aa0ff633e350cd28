/** The competitors by name. Each is loaded only in the process that runs it. */
import type { Peer } from './peer.ts';

export const peers = {
  'p-map': async () => (await import('./p-map.ts')).pMap,
  'streaming-iterables': async () => (await import('./streaming-iterables.ts')).streamingIterables,
  'node:stream': async () => (await import('./node-streams.ts')).nodeStreams,
  rxjs: async () => (await import('./rxjs.ts')).rxjs,
  effect: async () => (await import('./effect.ts')).effect,
  'effect, chunks of 1': async () => (await import('./effect.ts')).effectByOne,
  ix: async () => (await import('./ix.ts')).ix,
  'naive XState port': async () => (await import('./naive-port.ts')).naivePort,
  floor: async () => (await import('./floor.ts')).floor,
} satisfies Readonly<Record<string, () => Promise<Peer>>>;

export type PeerName = keyof typeof peers;
