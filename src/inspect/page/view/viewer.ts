/**
 * What the page looks at: a source, a place in it, and the run model of that moment. Drawings are called
 * with every frame in which something changed, panels four times a second: nobody reads faster.
 */
import type { RunModel } from '../../../run-model/index.ts';
import type { RunSource } from '../../run-source.ts';
import { HOME, readPlace, writePlace, type Place } from './place.ts';
import { topicsOf } from './topics.ts';

/** Digits change this often at most. */
const NUMBERS_MS = 250;

export interface Frame {
  readonly model: RunModel;
  /** Time for digits: not every frame is. */
  readonly numbers: boolean;
}

export interface Viewer {
  readonly source: RunSource;
  readonly place: Place;
  /** The model of the moment that is shown. */
  readonly model: RunModel;
  /** Whether the moment shown is being fetched. */
  readonly isSeeking: boolean;
  /** Why the moment asked for cannot be shown. */
  readonly trouble: string | undefined;
  /** Goes up whenever panels should be drawn anew. */
  readonly version: number;
  /** Goes somewhere. Steps of a slider are not worth a step of Back: they `replace`. */
  go(change: Partial<Place>, replace?: boolean): void;
  /** Draws everything anew in the next frame: something else than the run or the place has changed. */
  redraw(): void;
  /** Calls back when `version` has gone up. */
  readonly subscribe: (listener: () => void) => () => void;
  /** Calls back in frames in which something is to be drawn, and once at once. */
  onFrame(draw: (frame: Frame) => void): () => void;
  close(): void;
}

export interface ViewerOptions {
  /** Keeps the place in the address of the page. Default: false. */
  readonly address?: boolean;
  /** Where to begin, when not in an address. */
  readonly place?: Partial<Place>;
}

export function createViewer(source: RunSource, options: ViewerOptions = {}): Viewer {
  const { address = false } = options;
  const panels = new Set<() => void>();
  const drawings = new Set<(frame: Frame) => void>();
  let place: Place = address ? readPlace(location.search) : { ...HOME, ...options.place };
  let past: RunModel | undefined;
  let wanted: number | undefined;
  let isSeeking = false;
  let trouble: string | undefined;
  let version = 0;
  let lastStatus = source.status.kind;
  let frame = 0;
  let dirty = true;
  let lastNumbers = -Infinity;
  let [drawnRevision, shownRevision] = [-1, -1];

  const current = (): RunModel => (place.at === undefined ? source.model : (past ?? source.model));

  function notify(): void {
    version += 1;
    for (const listener of panels) listener();
  }

  function tick(now: number): void {
    frame = requestAnimationFrame(tick);
    const model = current();
    const fresh = dirty;
    dirty = false;
    const numbers = fresh || (model.revision !== shownRevision && now - lastNumbers >= NUMBERS_MS);
    if (!numbers && model.revision === drawnRevision) return;
    drawnRevision = model.revision;
    if (numbers) {
      lastNumbers = now;
      shownRevision = model.revision;
      notify();
    }
    for (const draw of drawings) draw({ model, numbers });
  }

  /** Fetches the moment of the place; while it does, a later wish replaces an earlier one. */
  async function seek(): Promise<void> {
    wanted = place.at;
    if (wanted === undefined) past = undefined;
    if (isSeeking) return;
    isSeeking = true;
    try {
      while (wanted !== undefined) {
        const at: number = wanted;
        wanted = undefined;
        past = await source.modelAt(at);
        trouble = undefined;
        dirty = true;
      }
    } catch (error) {
      trouble = error instanceof Error ? error.message : String(error);
      past = undefined;
    } finally {
      isSeeking = false;
      dirty = true;
    }
  }

  /** A connection that is lost is told of elsewhere. */
  function watch(): void {
    source.watch?.(topicsOf(place)).catch(() => undefined);
  }

  function arrive(next: Place): void {
    const moved = next.at !== place.at;
    place = next;
    dirty = true;
    if (next.at === undefined) trouble = undefined;
    watch();
    if (moved) void seek();
    notify();
  }

  const onPop = (): void => {
    arrive(readPlace(location.search));
  };
  if (address) window.addEventListener('popstate', onPop);
  const unsubscribe = source.subscribe(() => {
    // Something else than the model has changed.
    if (source.model.revision === drawnRevision) dirty = true;
    // A moment could not be fetched before there was a connection.
    const { kind } = source.status;
    if (kind !== lastStatus && place.at !== undefined && past === undefined) void seek();
    lastStatus = kind;
  });
  if (place.at !== undefined) void seek();
  watch();
  frame = requestAnimationFrame(tick);

  return {
    source,
    get place() {
      return place;
    },
    get model() {
      return current();
    },
    get isSeeking() {
      return isSeeking;
    },
    get trouble() {
      return trouble;
    },
    get version() {
      return version;
    },
    go(change, replace = false) {
      const next = { ...place, ...change };
      if (address) {
        const url = `${location.pathname}${writePlace(next, location.search)}${location.hash}`;
        if (replace) history.replaceState(null, '', url);
        else history.pushState(null, '', url);
      }
      arrive(next);
    },
    redraw() {
      dirty = true;
    },
    subscribe(listener) {
      panels.add(listener);
      return () => panels.delete(listener);
    },
    onFrame(draw) {
      drawings.add(draw);
      draw({ model: current(), numbers: true });
      return () => drawings.delete(draw);
    },
    close() {
      cancelAnimationFrame(frame);
      window.removeEventListener('popstate', onPop);
      unsubscribe();
      panels.clear();
      drawings.clear();
    },
  };
}
