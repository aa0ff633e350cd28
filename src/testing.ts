/**
 * Virtual time for the tests of those who use Sluice: give the env to `flow.start({ env })`.
 *
 * @module sluice/testing
 */
export { seededRandom, simEnv, type SimEnv, type SimOptions } from '../actors/sim-env.ts';
