/**
 * What a viewer wants to be told of besides what is always told: the run, its operators, resources and
 * tasks, and the tree of its actors. Half of what happens is messages, which most views do not show.
 */
import type { RunEvent } from '../../machines/run-event.ts';
import type { RunModel } from '../run-model/model.ts';

/**
 * - `states`: the states of tasks, which change several times for each. Those of others are always told.
 * - `messages`: who told whom.
 * - `details`: tokens, credits, dispatches, releases of blocks: what only a log shows.
 * - `actor:<path>`: messages from and to one actor, and its states.
 */
export type Topic = 'states' | 'messages' | 'details' | `actor:${string}`;

/** With these there is nothing that is not told. */
export const ALL_TOPICS: readonly Topic[] = ['states', 'messages', 'details'];

export const MAX_TOPICS = 20;
const MAX_PATH = 4096;

export function isTopics(value: unknown): value is readonly Topic[] {
  return Array.isArray(value) && value.length <= MAX_TOPICS && value.every(isTopic);
}

function isTopic(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  if ((ALL_TOPICS as readonly string[]).includes(value)) return true;
  return value.startsWith('actor:') && value.length <= MAX_PATH;
}

/** Whether an event is among what is watched. `undefined` is to watch everything. */
export function isWatched(
  event: RunEvent,
  topics: readonly Topic[] | undefined,
  model: RunModel,
): boolean {
  if (topics === undefined) return true;
  switch (event.type) {
    case 'message': {
      if (topics.includes('messages') || topics.includes(`actor:${event.to}`)) return true;
      return event.from !== undefined && topics.includes(`actor:${event.from}`);
    }
    case 'state.entered':
      return (
        model.actors[event.actor]?.machine !== 'task' ||
        topics.includes('states') ||
        topics.includes(`actor:${event.actor}`)
      );
    case 'blocks.released':
    case 'dispatched':
    case 'progress':
    case 'task.fed':
    case 'task.held':
    case 'token.denied':
    case 'token.granted':
    case 'token.released':
      return topics.includes('details');
    default:
      return true;
  }
}

/** Whether whoever watched `before` has been told of all that `wanted` is about. */
export function isCovered(
  wanted: readonly Topic[] | undefined,
  before: readonly Topic[] | undefined,
): boolean {
  if (before === undefined) return true;
  if (wanted === undefined) return false;
  const isWhole = before.includes('messages') && before.includes('states');
  return wanted.every((topic) => before.includes(topic) || (isWhole && topic.startsWith('actor:')));
}

/** Whether these topics are about messages, of one actor at least. */
export function needMessages(topics: readonly Topic[]): boolean {
  return topics.some((topic) => topic === 'messages' || topic.startsWith('actor:'));
}

/** Whether all messages are among what is watched. */
export function haveMessages(topics: readonly Topic[] | undefined): boolean {
  return topics === undefined || topics.includes('messages');
}
