/** What runs are taken out as, read again by those who know the formats. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { createMachine } from 'xstate';
import { simEnv } from '../../actors/sim-env.ts';
import { describeMachine } from '../../machines/machine-definition.ts';
import type { RunEvent } from '../../machines/run-event.ts';
import { pipeline } from '../../src/index.ts';
import {
  chartSvg,
  chromeTrace,
  graphSvg,
  mermaidChart,
  mermaidGraph,
  mermaidSequence,
  metricsCsv,
  modelOf,
  recordingText,
  replayHtml,
  sequenceSvg,
  timelineSvg,
} from '../../src/inspect/export/index.ts';
import { parseRecording, type RecordingHeader } from '../../src/inspect/recording.ts';
import { replayPage } from '../../src/inspect/server/index.ts';
import type { RunModel } from '../../src/run-model/index.ts';
import { parseTrace, type Slice } from './trace-parser.ts';

/** A name that would break out of anything it is put into without care. */
const NASTY = `</script><script>alert(1)</script>"';]}#&--><!--|%%`;

async function recorded(name = 'work', ms?: number): Promise<readonly RunEvent[]> {
  const env = simEnv();
  const events: RunEvent[] = [];
  const run = pipeline('exported')
    .fromBlocks(Array.from({ length: 30 }, (_, row) => [row]))
    .mapBlocks(
      async (rows: number[], { attempt, log }) => {
        await env.sleep(10 + (rows[0] ?? 0));
        log(NASTY);
        if (rows[0] === 7 && attempt < 3) throw new Error(NASTY);
        return rows;
      },
      { name, maxConcurrency: 3, retries: { count: 3, backoff: () => 5 } },
    )
    .mapBlocks(
      async function* (rows: number[]) {
        yield rows;
        await env.sleep(3);
        yield rows;
      },
      { name: 'twice' },
    )
    .start({ env, budget: { cpu: 4 }, onEvent: (event) => events.push(event) });
  const drained = run.drain();
  if (ms === undefined) await env.drive(drained);
  else {
    await env.advance(ms);
    const seen = [...events];
    await env.drive(run.cancel());
    return seen;
  }
  return events;
}

let events: readonly RunEvent[];
let model: RunModel;
beforeAll(async () => {
  events = await recorded();
  model = modelOf(events);
});

describe('a Chrome trace', () => {
  test('keeps every rule of its format', () => {
    const { problems } = parseTrace(JSON.stringify(chromeTrace(events)));
    expect(problems).toEqual([]);
  });

  test('has a slice for each task, on the thread of its slot, with its phases inside', () => {
    const { slices, processes, threads } = parseTrace(JSON.stringify(chromeTrace(events)));
    expect([...processes.values()]).toEqual(['run of exported', 'source', 'work', 'twice']);
    expect([...threads.values()]).toContain('slot 2');
    const work = slices.filter(({ pid, depth }) => processes.get(pid) === 'work' && depth === 0);
    expect(work.filter(({ name }) => name.startsWith('task '))).toHaveLength(30);
    const inner = slices.filter(({ depth }) => depth === 1);
    expect(inner.map(({ name }) => name)).toContain('waits for another attempt');
    const waited = inner.filter(({ name }) => name === 'waits for another attempt');
    for (const { ts, end } of waited) expect(end - ts).toBe(5000);
  });

  test('has the way of each block: from the task that made it to the task that took it', () => {
    const { flows } = parseTrace(JSON.stringify(chromeTrace(events)));
    const makers = new Map<number, string>();
    const takers = new Map<number, string>();
    for (const event of events) {
      if (event.type === 'block.produced') {
        makers.set(event.block.id, `${event.operator} ${String(event.task)}`);
      } else if (event.type === 'task.started') {
        for (const { id } of event.inputs)
          takers.set(id, `${event.operator} ${String(event.task)}`);
      }
    }
    const names = model.operators.map(({ name }) => name);
    const taskOf = (slice: Slice): string =>
      slice.around === undefined
        ? `${names[slice.pid - 2] ?? ''} ${slice.name.replace('task ', '')}`
        : taskOf(slice.around);
    expect(flows).toHaveLength(60);
    for (const { id, from, to } of flows) {
      expect(taskOf(from)).toBe(makers.get(id as number));
      expect(taskOf(to)).toBe(takers.get(id as number));
    }
  });

  test('has waits in queues, and counters', () => {
    const { waits, counters } = parseTrace(JSON.stringify(chromeTrace(events)));
    expect(waits).toBeGreaterThan(10);
    expect([...counters]).toEqual(
      expect.arrayContaining(['live bytes', 'cpu in use', 'queued blocks', 'tasks']),
    );
  });

  test('of a run that is under way has the tasks that are', async () => {
    const partial = await recorded('work', 25);
    const { problems, slices } = parseTrace(JSON.stringify(chromeTrace(partial)));
    expect(problems).toEqual([]);
    expect(slices.length).toBeGreaterThan(2);
  });

  test('of nothing is empty, and no error', () => {
    expect(parseTrace(JSON.stringify(chromeTrace([]))).problems).toEqual([]);
  });

  test('a parser that finds nothing wrong would be no test', () => {
    const broken = (change: (text: string) => string): readonly string[] =>
      parseTrace(change(JSON.stringify(chromeTrace(events)))).problems;
    const changes: readonly [from: string | RegExp, to: string][] = [
      ['"pid":3', '"pid":"3"'],
      ['"ph":"e"', '"ph":"b"'],
      ['"ph":"E"', '"ph":"e"'],
      [',"bp":"e"', ''],
      [/"name":"thread_name"/, '"name":"process_name"'],
      ['"ph":"B"', '"ph":"X"'],
    ];
    for (const [from, to] of changes) {
      expect(
        broken((text) => text.replace(from, to)),
        String(from),
      ).not.toEqual([]);
    }
    // Arrows before the slices they are bound to, as they could be found in the order they are made.
    const { traceEvents, ...rest } = chromeTrace(events);
    const arrows = traceEvents.filter(({ ph }) => ph === 's' || ph === 'f');
    const others = traceEvents.filter(({ ph }) => ph !== 's' && ph !== 'f');
    const early = { ...rest, traceEvents: [...arrows, ...others] };
    expect(parseTrace(JSON.stringify(early)).problems).not.toEqual([]);
    const overlapping = [0, 5].map((ts) => ({ ph: 'X', pid: 1, tid: 1, name: 'x', ts, dur: 10 }));
    expect(parseTrace(JSON.stringify({ traceEvents: overlapping })).problems).toContain(
      'x of 1 1 overlaps x',
    );
  });
});

describe('Mermaid', () => {
  test('of the graph has operators, edges and what waits', async () => {
    const text = mermaidGraph(modelOf(await recorded('work', 60)));
    expect(text).toMatch(/^flowchart LR\n/);
    expect(text).toContain('operator0(["source<br/>');
    expect(text).toMatch(/operator0 -->\|"\d+ blocks?, [\d.]+ B"\| operator1/);
    expect(text).toContain('operator2 --> consumer');
  });

  test('of a statechart has its states, nested, and marks the one it is in', () => {
    const supervisor = model.machines['supervisor'];
    if (supervisor === undefined) throw new Error('no supervisor');
    const text = mermaidChart(supervisor, 'running.polling');
    expect(text).toContain('state s_running {');
    expect(text).toContain('  [*] --> s_running_46_waiting');
    expect(text).toContain('s_running_46_polling --> s_draining : #91;mustEnd#93;');
    expect(text).toContain('class s_running_46_polling active');
    expect(text).toContain('class s_running active');
    expect(text).toContain('s_done --> [*]');
  });

  test('of messages is a sequence, in their order', () => {
    const text = mermaidSequence(model.history.messages.entries.slice(0, 40));
    expect(text).toMatch(/^sequenceDiagram\n {2}participant a0 as/);
    expect(text).toContain('runner.open');
    expect(text.split('\n').filter((line) => line.includes('->>'))).toHaveLength(40);
  });

  test('cannot be broken by names', async () => {
    const nasty = modelOf(await recorded(NASTY.slice(0, 40)));
    for (const text of [mermaidGraph(nasty), mermaidSequence(nasty.history.messages.entries)]) {
      expect(text).not.toContain('<script');
      expect(text).not.toContain(`"'`);
      expect(text).not.toMatch(/%%/);
    }
  });
});

/** It is one well-formed picture that loads nothing and runs nothing. */
function expectToStandAlone(svg: string): void {
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" role="img"/);
  expect(svg).not.toMatch(
    /href|<script|<style|<foreignObject|url\(|\son\w+=|NaN|undefined|Infinity/,
  );
  // Every tag that opens is closed.
  const open: string[] = [];
  for (const [, slash, tag = '', empty] of svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
    if (slash === '/') expect(open.pop()).toBe(tag);
    else if (empty !== '/') open.push(tag);
  }
  expect(open).toEqual([]);
}

describe('an SVG of a statechart', () => {
  test('has every state with what leads out of it, and marks the one it is in', () => {
    const definition = model.machines['supervisor'];
    if (definition === undefined) throw new Error('the supervisor is unknown');
    const svg = chartSvg(definition, 'running.polling');
    expectToStandAlone(svg);
    for (const state of ['▶ running', '▶ polling', 'paused', 'draining', 'done (final)']) {
      expect(svg).toContain(`>${state}<`);
    }
    expect(svg).toMatch(/\(initial\)</);
    expect(svg.match(/▶/g)).toHaveLength(2);
    expect(svg).toMatch(/run\.cancel → draining \/ cancel</);
    expect(chartSvg(definition)).not.toContain('▶');
  });

  test('has states beside each other that are active together, and cannot be broken by names', () => {
    const definition = describeMachine(
      createMachine({
        id: NASTY,
        type: 'parallel',
        states: {
          [NASTY]: { initial: 'x', states: { x: { on: { [NASTY]: 'y' } }, y: { type: 'final' } } },
          other: {},
        },
      }),
    );
    if (definition === undefined) throw new Error('it is no statechart');
    const svg = chartSvg(definition, 'other');
    expectToStandAlone(svg);
    expect(svg.match(/stroke-dasharray/g)).toHaveLength(2);
    expect(svg).toContain('&#60;/script&#62;');
  });
});

describe('an SVG of messages', () => {
  test('has a line of life for each actor, and an arrow for each message', () => {
    const messages = model.history.messages.entries.slice(0, 40);
    const svg = sequenceSvg(messages);
    expectToStandAlone(svg);
    const actors = new Set(messages.flatMap(({ from, to }) => [from, to]));
    expect(svg).toContain(`40 messages between ${String(actors.size)} actors`);
    expect(svg.match(/stroke-dasharray="4 4"/g)).toHaveLength(actors.size);
    expect(svg.match(/ Z"/g)).toHaveLength(40);
    expect(svg).toContain('>exported<');
    expectToStandAlone(sequenceSvg([]));
  });

  test('shows what an actor tells itself, what comes from outside, and no tags', () => {
    const message = { seq: 1, at: 0, refs: 2, cause: undefined };
    const svg = sequenceSvg([
      { ...message, from: undefined, to: 'a', type: NASTY },
      { ...message, from: 'a', to: 'a', type: 'again' },
    ]);
    expectToStandAlone(svg);
    expect(svg).toContain('>Outside<');
    expect(svg).toContain('>again (2 blocks)<');
  });
});

describe('an SVG of the timeline', () => {
  test('has a lane for each slot and a bar for each task, with what it waited for', () => {
    const svg = timelineSvg(model);
    expectToStandAlone(svg);
    expect(svg.match(/<g><title>task /g)).toHaveLength(model.history.tasks.entries.length);
    for (const lane of ['source 0', 'work 0', 'work 2', 'twice 0']) {
      expect(svg).toContain(`>${lane}<`);
    }
    expect(svg).toContain('height="2" fill="#c5221f"');
    expectToStandAlone(timelineSvg(modelOf([])));
  });

  test('of a run under way has the tasks that are', async () => {
    const svg = timelineSvg(modelOf(await recorded(NASTY.slice(0, 40), 25)));
    expectToStandAlone(svg);
    expect(svg).toContain(': under way, ');
  });
});

describe('an SVG of the graph', () => {
  test('shows each operator with its state, and stands alone', () => {
    const svg = graphSvg(model);
    expectToStandAlone(svg);
    expect(svg).toContain('<title>exported: done</title>');
    expect(svg.match(/✓ done/g)).toHaveLength(3);
  });

  test('cannot be broken by names', async () => {
    const svg = graphSvg(modelOf(await recorded(NASTY.slice(0, 40))));
    expect(svg).not.toContain('<script');
    expect(svg).toContain('&#60;/script&#62;');
  });
});

describe('a CSV of the metrics', () => {
  test('has a line a sample and a column a series', () => {
    const [head = '', ...lines] = metricsCsv(model).trimEnd().split('\r\n');
    expect(head.split(',').slice(0, 5)).toEqual([
      '"ms"',
      '"live bytes"',
      '"limit of live bytes"',
      '"rows consumed"',
      '"cpu in use"',
    ]);
    expect(lines).toHaveLength(model.history.metrics.at.length);
    for (const line of lines) expect(line.split(',')).toHaveLength(head.split(',').length);
    expect(lines.at(-1)?.split(',')[3]).toBe('60');
  });

  test('begins no formula, whatever the names are', async () => {
    const text = metricsCsv(modelOf(await recorded('=cmd|"x"')));
    expect(text).toContain(`"'=cmd|""x"": rows out"`);
  });
});

describe('a replay in one file', () => {
  test('is made with the page of the package, or says that there is none', async () => {
    const ui = await mkdtemp(join(tmpdir(), 'sluice-ui-'));
    const recording = parseRecording(recordingText({ name: 'x', startedAt: 1 }, events));
    expect(() => replayPage(recording, ui)).toThrow('page is not built');
    await writeFile(join(ui, 'inspector.js'), 'export const page = 1;');
    await writeFile(join(ui, 'elk-worker.min.js'), 'self.layout = 1;');
    expect(replayPage(recording, ui)).toContain('export const page = 1;');
    await rm(ui, { recursive: true });
  });

  const header: RecordingHeader = {
    format: 'sluice-recording',
    version: 1,
    name: NASTY,
    startedAt: 1,
  };
  const script = 'export const x = "</script><b>"; // \u2028';

  test('has the page, the worker and the whole recording, each in a block nothing ends early', () => {
    const html = replayHtml({ header, events, script, layoutWorker: 'self.x = 1;' });
    const block = (id: string): string => {
      const [, text = ''] =
        new RegExp(`<script type="application/json" id="${id}">(.*?)</script>`).exec(html) ?? [];
      return JSON.parse(text) as string;
    };
    expect(block('script')).toBe(script);
    expect(block('worker')).toBe('self.x = 1;');
    expect(block('recording')).toBe(recordingText(header, events));
    const read = parseRecording(block('recording'));
    expect(read.header.name).toBe(NASTY);
    expect(read.events).toEqual(JSON.parse(JSON.stringify(events)));
  });

  test('runs nothing that was in the recording, and asks nobody for anything', () => {
    const html = replayHtml({ header, events, script, layoutWorker: '' });
    expect(html).not.toContain('alert(1)</script>');
    expect(html.match(/<script/g)).toHaveLength(4);
    expect(html).toContain("default-src 'none'");
    expect(html).not.toMatch(/(src|href)="/);
    expect(html).toContain('<title>&#60;/script&#62;');
  });
});
