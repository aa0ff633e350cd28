/** Fake addresses: actors that do nothing but keep what they are told, so that messages can be compared as data. */
import { createActor, fromCallback, type EventObject } from 'xstate';
import type { Address } from '../../../machines/xstate.ts';

export interface Recorder<TEvent extends EventObject> {
  readonly address: Address<TEvent>;
  /** All that has come, oldest first. */
  readonly messages: readonly TEvent[];
  /** What has come since the last call. */
  readonly take: () => readonly TEvent[];
  /** The messages of one type. */
  readonly of: <TType extends TEvent['type']>(
    type: TType,
  ) => readonly Extract<TEvent, { type: TType }>[];
}

export function recorder<TEvent extends EventObject>(): Recorder<TEvent> {
  const messages: TEvent[] = [];
  let taken = 0;
  const actor = createActor(
    fromCallback<TEvent>(({ receive }) => {
      receive((event) => {
        messages.push(event);
      });
    }),
  );
  actor.start();
  return {
    address: actor,
    messages,
    take() {
      const news = messages.slice(taken);
      taken = messages.length;
      return news;
    },
    of: <TType extends TEvent['type']>(type: TType) =>
      messages.filter((event): event is Extract<TEvent, { type: TType }> => event.type === type),
  };
}
