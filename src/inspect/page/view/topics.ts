/** What a tab shows beyond what is always told: nothing else has to be sent. */
import type { Topic } from '../../topics.ts';
import type { Place } from './place.ts';

export function topicsOf({ tab, selection }: Place): readonly Topic[] {
  switch (tab) {
    case 'actors':
      return selection?.kind === 'actor'
        ? ['states', `actor:${selection.path}`]
        : ['states', 'messages'];
    case 'messages':
      return ['messages'];
    case 'timeline':
      return ['states'];
    case 'runs':
      // What is taken out has all of it.
      return ['states', 'messages', 'details'];
    case 'pipeline':
    case 'metrics':
    // Its events are fetched by number, in pages.
    case 'events':
      return [];
  }
}
