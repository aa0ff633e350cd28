/** A recording as one HTML file that shows itself: the page, the recording and nothing from elsewhere. */
import type { RunEvent } from '../../../machines/run-event.ts';
import { headerLine, type RecordingHeader } from '../recording.ts';

/** What is said of a recording besides its events. */
type RecordingName = Pick<RecordingHeader, 'name' | 'startedAt'>;

export interface ReplayParts {
  readonly header: RecordingName;
  readonly events: readonly RunEvent[];
  /** The text of `inspector.js` of the built page. */
  readonly script: string;
  /** The text of `elk-worker.min.js` of the built page. */
  readonly layoutWorker: string;
}

/** A recording as text, as it is in a file before it is packed. */
export function recordingText(header: RecordingName, events: readonly RunEvent[]): string {
  const lines = events.map((event) => JSON.stringify(event));
  return `${headerLine(header.name, header.startedAt)}${lines.join('\n')}\n`;
}

const BOOT = `
const text = (id) => JSON.parse(document.getElementById(id).textContent);
const address = (source) => URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
const element = document.getElementById('inspector');
try {
  const page = await import(address(text('script')));
  const recording = page.parseRecording(text('recording'));
  page.mountInspector(element, page.recordingSource(recording), {
    layoutWorker: address(text('worker')),
    ownsPage: true,
  });
} catch (error) {
  element.textContent = 'This replay cannot be shown: ' + error;
}
`;

/**
 * Everything of others in it is data in blocks that are not run as they stand, and only what the file
 * brings with it may run at all.
 */
export function replayHtml({ header, events, script, layoutWorker }: ReplayParts): string {
  const data = (id: string, text: string): string =>
    `<script type="application/json" id="${id}">${inScript(JSON.stringify(text))}</script>`;
  const policy = [
    "default-src 'none'",
    "script-src 'unsafe-inline' blob:",
    "style-src 'unsafe-inline' blob:",
    'img-src data: blob:',
    'worker-src blob:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="referrer" content="no-referrer">',
    `<title>${inText(header.name)} - Sluice replay</title>`,
    '<style>html, body, #inspector { margin: 0; height: 100% }</style>',
    '</head>',
    '<body>',
    '<div id="inspector"></div>',
    data('recording', recordingText(header, events)),
    data('script', script),
    data('worker', layoutWorker),
    `<script type="module">${BOOT}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

/** No text can end the block it is in, nor begin a comment in it. */
function inScript(json: string): string {
  return json
    .replaceAll('<', '\\u003c')
    .replaceAll('>', '\\u003e')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}

function inText(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${String(letter.codePointAt(0))};`);
}
