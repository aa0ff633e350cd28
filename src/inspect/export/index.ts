/** What a run or a recording can be taken out as. Pure functions, in browsers and in Node. */
export { metricsCsv } from './csv.ts';
export { mermaidChart, mermaidGraph, mermaidSequence } from './mermaid.ts';
export { modelOf } from './model-of.ts';
export { recordingText, replayHtml } from './replay-html.ts';
export { chartSvg } from './chart-svg.ts';
export { graphSvg } from './graph-svg.ts';
export { sequenceSvg } from './sequence-svg.ts';
export { timelineSvg } from './timeline-svg.ts';
export { chromeTrace, type ChromeTrace, type TraceEvent } from './trace.ts';
