/** The same work as a module for piscina: one row is one task. */
export { burn as default } from './burn.ts';
