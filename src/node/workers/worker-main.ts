/** The script of the worker threads that Sluice makes itself: serves the module it is told of. */
import { fileURLToPath } from 'node:url';
import { workerData } from 'node:worker_threads';
import { serveLoaded } from '../../workers/serve.ts';
import { importModule } from '../import-module.ts';
import type { ThreadData } from './node-module.ts';

const url = new URL((workerData as ThreadData).module);

serveLoaded(() => importModule(url, url.protocol === 'file:' ? fileURLToPath(url) : url.href));
