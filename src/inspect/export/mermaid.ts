/** Runs as Mermaid: the graph, a statechart, a sequence of messages. Names are escaped: they are data. */
import type { MachineDefinition, StateDefinition } from '../../../machines/machine-definition.ts';
import { CONSUMER, edgesOf } from '../../run-model/graph.ts';
import type { MessageEntry, RunModel } from '../../run-model/model.ts';
import { pathParts } from '../../run-model/actor-path.ts';
import { bytesText, countText } from '../../run-model/quantities.ts';
import { lookOf } from '../../run-model/selectors.ts';

/** The operators with their states, and what waits between them. */
export function mermaidGraph(model: RunModel): string {
  const shapes = { source: ['([', '])'], transform: ['[', ']'], sink: ['[(', ')]'] } as const;
  const nodes = model.operators.map((operator) => {
    const [open, close] = shapes[model.plan.operators[operator.index]?.kind ?? 'transform'];
    const { done, active } = operator.figures;
    const lines = [
      operator.name,
      lookOf(model, operator),
      `${countText(active, 'task')} under way, ${String(done)} done`,
    ];
    return `  ${idOf(operator.index)}${open}"${lines.map(escape).join('<br/>')}"${close}`;
  });
  const edges = edgesOf(model);
  const links = edges.map(({ from, to, shared, blocks, bytes }) => {
    const label = blocks === 0 ? '' : `|"${countText(blocks, 'block')}, ${bytesText(bytes)}"|`;
    return `  ${idOf(from)} ${shared ? '-.->' : '-->'}${label} ${idOf(to)}`;
  });
  const consumer = edges.some(({ to }) => to === CONSUMER) ? ['  consumer(("consumer"))'] : [];
  return ['flowchart LR', ...nodes, ...consumer, ...links].join('\n');
}

/** A statechart; `state` (as in `ActorModel.state`) is marked when it is given. */
export function mermaidChart({ root }: MachineDefinition, state = ''): string {
  const lines = ['stateDiagram-v2'];
  const active = new Set(
    state
      .split(' ')
      .flatMap((path) => path.split('.').map((_name, end, all) => all.slice(0, end + 1).join('.'))),
  );
  addStates(lines, root, 1);
  addTransitions(lines, root, root);
  lines.push('  classDef active font-weight:bold,stroke-width:3px');
  for (const id of active) if (id !== '') lines.push(`  class ${stateId(id)} active`);
  return lines.join('\n');
}

function addStates(lines: string[], state: StateDefinition, depth: number): void {
  const indent = '  '.repeat(depth);
  for (const child of state.states) {
    lines.push(`${indent}state "${escape(child.name)}" as ${stateId(child.id)}`);
    if (child.states.length > 0) {
      lines.push(`${indent}state ${stateId(child.id)} {`);
      addStates(lines, child, depth + 1);
      lines.push(`${indent}}`);
    }
    if (child.type === 'final') lines.push(`${indent}${stateId(child.id)} --> [*]`);
  }
  if (state.initial !== undefined) lines.push(`${indent}[*] --> ${stateId(state.initial)}`);
}

function addTransitions(lines: string[], state: StateDefinition, root: StateDefinition): void {
  // What the root takes in any state would be an arrow from nowhere: it has no place in this diagram.
  for (const { event, label, targets, guard } of state === root ? [] : state.transitions) {
    const text = [label ?? event, guard === undefined ? '' : `[${guard}]`].filter(
      (part) => part !== '',
    );
    const suffix = text.length === 0 ? '' : ` : ${escape(text.join(' '))}`;
    for (const target of targets) {
      if (target !== '') lines.push(`  ${stateId(state.id)} --> ${stateId(target)}${suffix}`);
    }
  }
  for (const child of state.states) addTransitions(lines, child, root);
}

/** Messages as a sequence diagram. `Outside` are those that come from no actor. */
export function mermaidSequence(messages: readonly MessageEntry[]): string {
  const ids = new Map<string | undefined, string>();
  const idOfActor = (path: string | undefined): string => {
    const known = ids.get(path);
    if (known !== undefined) return known;
    const id = `a${String(ids.size)}`;
    ids.set(path, id);
    return id;
  };
  const arrows = messages.map(({ from, to, type, refs }) => {
    const load = refs === 0 ? '' : ` (${countText(refs, 'block')})`;
    return `  ${idOfActor(from)}->>${idOfActor(to)}: ${escape(type)}${load}`;
  });
  const participants = [...ids].map(
    ([path, id]) =>
      `  participant ${id} as ${path === undefined ? 'Outside' : escape(pathParts(path).id)}`,
  );
  return ['sequenceDiagram', ...participants, ...arrows].join('\n');
}

function idOf(operator: number): string {
  return operator === CONSUMER ? 'consumer' : `operator${String(operator)}`;
}

/** Ids of states have to be words. */
function stateId(id: string): string {
  return `s_${id.replace(/[^A-Za-z0-9]/g, (letter) => `_${String(letter.codePointAt(0))}_`)}`;
}

/** Mermaid knows entities by number; `#` begins one, `;` and line breaks end statements. */
function escape(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ')
    .replace(/[#"<>&`;:{}[\]|%\\]/g, (letter) => `#${String(letter.codePointAt(0))};`);
}
