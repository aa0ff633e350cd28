/** The context of an actor, by the actor's path, as it is now. */
import type { AnyActorRef } from 'xstate';
import type { ActorValue } from './protocol.ts';
import { showable, type RedactOptions } from './redact.ts';
import { SourceError } from './run-source.ts';

/** @throws SourceError with code NOT_FOUND when there is no such actor, or not any more. */
export function valueOf(root: AnyActorRef, path: string, options: RedactOptions): ActorValue {
  const [rootId, ...ids] = path.split('/').map(unescapeId);
  let actor: AnyActorRef | undefined = rootId === root.id ? root : undefined;
  for (const id of ids) actor = childrenOf(actor)[id];
  if (actor === undefined) throw new SourceError('NOT_FOUND', `there is no actor ${path} now`);
  const snapshot = actor.getSnapshot() as
    { readonly value?: unknown; readonly context?: unknown; readonly status?: unknown } | undefined;
  const { value, context, status } = snapshot ?? {};
  const shown = context === undefined && value === undefined ? snapshot : context;
  return {
    state: typeof value === 'string' ? value : JSON.stringify(value ?? status ?? ''),
    context: showable(shown, options),
  };
}

function childrenOf(actor: AnyActorRef | undefined): Readonly<Record<string, AnyActorRef>> {
  const snapshot = actor?.getSnapshot() as
    { readonly children?: Readonly<Record<string, AnyActorRef>> } | undefined;
  const children = snapshot?.children ?? {};
  // An id is only ever the name of a child, never that of something all objects have.
  return Object.assign(Object.create(null) as Record<string, AnyActorRef>, children);
}

function unescapeId(id: string): string {
  return id.replaceAll('%2F', '/').replaceAll('%25', '%');
}
