/**
 * The inspector: see why a pipeline is slow, stuck or wrong, in a browser.
 *
 * @module sluice/inspect
 */
export {
  inspectActor,
  mountInspector,
  startInspector,
  type Inspector,
  type InspectorOptions,
  type MountedInspector,
  type MountOptions,
} from './inspector.ts';
export { openRecording, type RecordingFile, type RecordOptions } from './recording-file.ts';
export type { Authorize } from './gate.ts';
