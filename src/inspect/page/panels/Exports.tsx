/** What is shown, to take away: files are made in the page, and sent nowhere. */
import type { ReactNode } from 'react';
import type { RunEvent } from '../../../../machines/run-event.ts';
import type { MessageEntry, RunModel } from '../../../run-model/index.ts';
import {
  chartSvg,
  chromeTrace,
  graphSvg,
  mermaidChart,
  mermaidGraph,
  mermaidSequence,
  metricsCsv,
  recordingText,
  replayHtml,
  sequenceSvg,
  timelineSvg,
} from '../../export/index.ts';
import { RECORDING_VERSION, type RecordingHeader } from '../../recording.ts';
import type { RunSource } from '../../run-source.ts';
import { createTranscript } from '../../transcript.ts';
import { useSurroundings, useViewer } from '../view/context.ts';
import { layoutWorkerUrl } from '../layout/layout.ts';
import { download, fileName } from '../view/download.ts';
import type { Place } from '../view/place.ts';

interface ExportKind {
  readonly label: string;
  readonly title: string;
  readonly ending: string;
  readonly type: string;
  readonly make: (source: RunSource, model: RunModel, place: Place) => Promise<string> | string;
}

const PAGE = 5000;

const KINDS: readonly ExportKind[] = [
  {
    label: 'Recording',
    title: 'Every event: opened here again, or with sluice open',
    ending: 'run',
    type: 'application/x-ndjson',
    make: async (source) => recordingText(headerOf(source), await allEvents(source)),
  },
  {
    label: 'Page with all in it',
    title: 'One HTML file that shows this run to somebody who has nothing installed',
    ending: 'html',
    type: 'text/html',
    make: replay,
  },
  {
    label: 'Trace',
    title: 'Tasks, queues and counters for Perfetto or chrome://tracing',
    ending: 'trace.json',
    type: 'application/json',
    make: async (source) => JSON.stringify(chromeTrace(await allEvents(source))),
  },
  {
    label: 'Graph (SVG)',
    title: 'The pipeline as a picture',
    ending: 'svg',
    type: 'image/svg+xml',
    make: (_source, model) => graphSvg(model),
  },
  {
    label: 'Timeline (SVG)',
    title: 'The tasks over time as a picture',
    ending: 'timeline.svg',
    type: 'image/svg+xml',
    make: (_source, model) => timelineSvg(model),
  },
  {
    label: 'Messages (SVG)',
    title: 'The last messages between actors as a picture',
    ending: 'messages.svg',
    type: 'image/svg+xml',
    make: (_source, model) => sequenceSvg(lastMessages(model)),
  },
  {
    label: 'Statechart (SVG)',
    title: 'The statechart of the actor that is selected, or of the first one, as a picture',
    ending: 'chart.svg',
    type: 'image/svg+xml',
    make: (_source, model, { selection }) => {
      const selected = selection?.kind === 'actor' ? model.actors[selection.path] : undefined;
      const actor =
        selected ?? Object.values(model.actors).find(({ machine }) => machine in model.machines);
      const definition = model.machines[actor?.machine ?? ''];
      if (definition === undefined) throw new Error('there is no statechart');
      return chartSvg(definition, actor?.state);
    },
  },
  {
    label: 'Graph, charts and messages (Mermaid)',
    title: 'As text that many pages draw',
    ending: 'md',
    type: 'text/markdown',
    make: (_source, model) => mermaid(model),
  },
  {
    label: 'Metrics (CSV)',
    title: 'The samples of the charts, as a table',
    ending: 'csv',
    type: 'text/csv',
    make: (_source, model) => metricsCsv(model),
  },
];

export function Exports(): ReactNode {
  const { say } = useSurroundings();
  const { source, model, place } = useViewer();

  async function save({ ending, type, make }: ExportKind): Promise<void> {
    try {
      const name = fileName(source, ending);
      download(name, type, await make(source, model, place));
      say(`${name} is made`);
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
  }

  return (
    <section>
      <h2>Take it away</h2>
      <div className="row wrap">
        {KINDS.map((kind) => (
          <button
            key={kind.label}
            type="button"
            title={kind.title}
            disabled={model.seq < 0}
            onClick={() => void save(kind)}
          >
            {kind.label}
          </button>
        ))}
      </div>
    </section>
  );
}

/** All that is at hand, page by page. Where the oldest events are gone, what they led to is told first. */
async function allEvents(source: RunSource): Promise<readonly RunEvent[]> {
  const { firstSeq, lastSeq, from } = source.range;
  const events: RunEvent[] = [];
  const transcript = createTranscript((event) => events.push(event));
  if (firstSeq > 0) transcript.tell(await source.modelAt(from));
  while (transcript.last() < lastSeq) {
    const page = await source.events(transcript.last() + 1, PAGE);
    if (page.length === 0) break;
    for (const event of page) transcript.add(event);
  }
  return events;
}

function headerOf({ run }: RunSource): RecordingHeader {
  const { name = 'run', startedAt = 0 } = run ?? {};
  return { format: 'sluice-recording', version: RECORDING_VERSION, name, startedAt };
}

/** The page itself goes into the file: this module, and the layout worker beside it. */
async function replay(source: RunSource): Promise<string> {
  const [events, script, layoutWorker] = await Promise.all([
    allEvents(source),
    textOf(import.meta.url),
    textOf(layoutWorkerUrl()),
  ]);
  return replayHtml({ header: headerOf(source), events, script, layoutWorker });
}

async function textOf(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the page's own file ${url} cannot be loaded`);
  return response.text();
}

function lastMessages({ history }: RunModel): readonly MessageEntry[] {
  return history.messages.entries.slice(-60);
}

function mermaid(model: RunModel): string {
  const block = (title: string, text: string): string =>
    `## ${title}\n\n\`\`\`mermaid\n${text.trim()}\n\`\`\`\n`;
  const charts = Object.values(model.machines).map((definition) =>
    block(`Statechart: ${definition.id}`, mermaidChart(definition)),
  );
  return [
    block('Pipeline', mermaidGraph(model)),
    ...charts,
    block('Last messages', mermaidSequence(lastMessages(model))),
  ].join('\n');
}
