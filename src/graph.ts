/** The graph a pipeline is written as: immutable nodes that point at what feeds them. */
import type { Transform } from '../actors/transform.ts';
import type { OperatorOptions } from './options.ts';

export interface OperatorNode {
  readonly kind: 'operator';
  readonly role: 'source' | 'transform' | 'sink';
  /** Its name, unless the options give one. */
  readonly label: string;
  readonly transform: Transform;
  readonly options: OperatorOptions;
  /** What feeds its input ports. */
  readonly inputs: readonly FlowNode[];
}

/** Blocks of several flows, in no particular order. */
export interface UnionNode {
  readonly kind: 'union';
  readonly inputs: readonly FlowNode[];
}

/** One flow for several: each branch gets every block, or each block goes to one branch. */
export interface FanOutNode {
  readonly kind: 'tee' | 'split';
  readonly inputs: readonly [FlowNode];
  readonly branches: number;
}

export interface BranchNode {
  readonly kind: 'branch';
  readonly inputs: readonly [FanOutNode];
  readonly index: number;
}

export type FlowNode = OperatorNode | UnionNode | FanOutNode | BranchNode;
