/** The model at the end of some events. */
import type { RunEvent } from '../../../machines/run-event.ts';
import { applyRunEvent, emptyModel } from '../../run-model/index.ts';
import type { RunModel } from '../../run-model/model.ts';

/** Folds the events of a run, or of a part of it from its beginning, into what can be seen of it. */
export function modelOf(events: readonly RunEvent[]): RunModel {
  const model = emptyModel();
  for (const event of events) applyRunEvent(model, event);
  return model;
}
