/** Statecharts of XState 5 in the words of version 4: what a viewer of that time makes a machine of. */
import type { MachineDefinition, StateDefinition } from '../../../machines/machine-definition.ts';

/** A config for `createMachine` of XState 4. What it does is in names alone. */
export interface XState4Config {
  readonly id: string;
  readonly key: string;
  readonly type: StateDefinition['type'];
  readonly description?: string;
  readonly initial?: string;
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  readonly invoke: readonly { readonly id: string; readonly src: string }[];
  readonly on: Readonly<Record<string, readonly TransitionConfig[]>>;
  readonly always: readonly TransitionConfig[];
  readonly states: Readonly<Record<string, XState4Config>>;
}

interface TransitionConfig {
  /** Missing where it stays: `internal` then. */
  readonly target?: readonly string[];
  readonly cond?: string;
  readonly actions: readonly string[];
  readonly internal?: boolean;
}

export function xstate4Config({ id, description, root }: MachineDefinition): XState4Config {
  return {
    ...stateConfig(root, id),
    key: id,
    ...(description === undefined ? {} : { description }),
  };
}

function stateConfig(state: StateDefinition, machine: string): XState4Config {
  const { name, type, description, initial, entry, exit, invoke, states } = state;
  const on: Record<string, TransitionConfig[]> = {};
  for (const { event, targets, guard, actions } of state.transitions) {
    (on[event] ??= []).push({
      ...(targets.length === 0
        ? { internal: true }
        : { target: targets.map((target) => `#${idIn(machine, target)}`) }),
      ...(guard === undefined ? {} : { cond: guard }),
      actions,
    });
  }
  const { '': always = [], ...others } = on;
  return {
    id: idIn(machine, state.id),
    key: name,
    type,
    ...(description === undefined ? {} : { description }),
    // Of a path the last name: an initial state is a child.
    ...(initial === undefined ? {} : { initial: initial.slice(initial.lastIndexOf('.') + 1) }),
    entry,
    exit,
    invoke: invoke.map((src) => ({ id: src, src })),
    on: others,
    always,
    states: Object.fromEntries(states.map((child) => [child.name, stateConfig(child, machine)])),
  };
}

function idIn(machine: string, path: string): string {
  return path === '' ? machine : `${machine}.${path}`;
}
