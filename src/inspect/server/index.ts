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
  type MountedInspector,
  type MountOptions,
} from './inspector.ts';
export {
  chartSvg,
  chromeTrace,
  graphSvg,
  mermaidChart,
  mermaidGraph,
  mermaidSequence,
  metricsCsv,
  modelOf,
  recordingText,
  sequenceSvg,
  timelineSvg,
  type ChromeTrace,
  type TraceEvent,
} from '../export/index.ts';
export {
  parseRecording,
  readRecording,
  type Recording,
  type RecordingHeader,
} from '../recording.ts';
export type { RunModel } from '../../run-model/model.ts';
export { replayPage } from './replay-page.ts';
export { openRecording } from './recording-file.ts';
export type { InspectorOptions, RecordingFile, RecordOptions } from '../options.ts';
export type { Authorize } from './gate.ts';
export type { XState4Receiver } from '../xstate4/watch-receiver.ts';
