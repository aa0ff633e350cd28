/** Keys of the inspector. No single key does anything while somebody types. */
import { useEffect, type RefObject } from 'react';
import type { PanelActions } from '../panels/panel-props.ts';
import { useCommand, useSurroundings } from './context.ts';
import { TABS } from './place.ts';

interface KeyOptions {
  readonly ownsPage: boolean;
  readonly actions: RefObject<PanelActions>;
  readonly toggleTable: () => void;
  readonly openHelp: () => void;
}

export function useKeys(root: RefObject<HTMLElement | null>, options: KeyOptions): void {
  const { viewer } = useSurroundings();
  const command = useCommand();
  const { ownsPage, actions, toggleTable, openHelp } = options;

  useEffect(() => {
    const inside = root.current;
    if (inside === null) return;

    function onKey(event: KeyboardEvent): void {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const [target] = event.composedPath();
      if (isTyping(target) || inside?.querySelector('dialog[open]') !== null) return;
      const handle = handlers(target)[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (handle === undefined) return;
      event.preventDefault();
      handle();
    }

    function handlers(target: EventTarget | undefined): Readonly<Record<string, () => void>> {
      const isButton =
        target instanceof Element && target.closest('button, [role="button"]') !== null;
      const tabs = TABS.map((tab, index): [string, () => void] => [
        String(index + 1),
        () => {
          viewer.go({ tab });
        },
      ]);
      return {
        ...Object.fromEntries(tabs),
        // Space presses the button that has the focus.
        ...(isButton ? {} : { ' ': holdOrResume }),
        '/': () => inside?.querySelector<HTMLElement>('input[type="search"]')?.focus(),
        '.': () => {
          if (mayControl()) command({ type: 'step', by: 'cycle' });
        },
        ',': back,
        '[': () => {
          toKeyframe(-1);
        },
        ']': () => {
          toKeyframe(1);
        },
        l: () => {
          viewer.go({ at: undefined });
        },
        b: () => {
          press('breakpoints');
        },
        r: () => {
          press('record');
        },
        f: () => actions.current.fit?.(),
        '+': () => actions.current.zoom?.(1.25),
        '=': () => actions.current.zoom?.(1.25),
        '-': () => actions.current.zoom?.(0.8),
        t: toggleTable,
        '?': openHelp,
        Escape: () => {
          if (viewer.place.selection !== undefined) viewer.go({ selection: undefined });
        },
      };
    }

    /** Whoever may not do it has no such button. */
    function press(action: string): void {
      inside?.querySelector<HTMLElement>(`[data-action="${action}"]`)?.click();
    }

    function mayControl(): boolean {
      return viewer.source.rights.control && viewer.source.model.end === undefined;
    }

    function holdOrResume(): void {
      if (!mayControl()) return;
      const isHeld = viewer.source.model.pausedSince !== undefined;
      command({ type: isHeld ? 'resume' : 'hold' });
    }

    /** To the last moment before this one in which something happened. */
    function back(): void {
      const { seq, at } = viewer.model;
      viewer.source
        .events(Math.max(0, seq - 200), 200)
        .then((events) => {
          const before = events.findLast((event) => event.at < at);
          if (before !== undefined) viewer.go({ at: before.at }, true);
        })
        .catch(() => {
          toKeyframe(-1);
        });
    }

    function toKeyframe(step: 1 | -1): void {
      const { keyframes, to } = viewer.source.range;
      const now = viewer.place.at ?? to;
      const found =
        step === 1
          ? keyframes.find((at) => at > now + 1)
          : keyframes.findLast((at) => at < now - 1);
      if (found !== undefined) viewer.go({ at: found }, true);
      else if (step === 1) viewer.go({ at: undefined }, true);
    }

    const target: Window | HTMLElement = ownsPage ? window : inside;
    target.addEventListener('keydown', onKey as EventListener);
    return () => {
      target.removeEventListener('keydown', onKey as EventListener);
    };
  }, [root, viewer, command, ownsPage, actions, toggleTable, openHelp]);
}

function isTyping(target: EventTarget | undefined): boolean {
  if (!(target instanceof Element)) return false;
  if (target instanceof HTMLInputElement)
    return !['range', 'checkbox', 'radio'].includes(target.type);
  return target.closest('textarea, select, [contenteditable="true"]') !== null;
}
