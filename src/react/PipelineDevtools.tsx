'use client';
/** A button in a corner of the app, and behind it the inspector. */
import { useState, type CSSProperties, type ReactNode } from 'react';
import type { Inspected } from '../inspect/open-source.ts';
import type { InspectorTheme } from '../inspect/view-options.ts';
import { PipelineView } from './PipelineView.tsx';

export interface PipelineDevtoolsProps {
  readonly source: Inspected;
  /** Open at first; afterwards as it was left. Default: false. */
  readonly initialIsOpen?: boolean;
  /** Default: `bottom-right`. */
  readonly buttonPosition?: 'bottom-right' | 'bottom-left' | 'top-right' | 'top-left';
  /** Height of the panel, in pixels or as CSS has it. Default: `60vh`. */
  readonly height?: number | string;
  readonly theme?: InspectorTheme;
  /** Default: true. */
  readonly control?: boolean;
  /** Shown at all. Default: unless `process.env.NODE_ENV` is `production`. */
  readonly enabled?: boolean;
}

const STORED = 'sluice.devtools.open';

export function PipelineDevtools({
  source,
  initialIsOpen = false,
  buttonPosition = 'bottom-right',
  height = '60vh',
  theme = 'auto',
  control = true,
  enabled = process.env['NODE_ENV'] !== 'production',
}: PipelineDevtoolsProps): ReactNode {
  const [isOpen, setOpen] = useState(() => storedOpen() ?? initialIsOpen);
  if (!enabled) return null;
  const toggle = (): void => {
    storeOpen(!isOpen);
    setOpen(!isOpen);
  };
  const panel: CSSProperties = {
    position: 'fixed',
    inset: 'auto 0 0',
    height,
    zIndex: 99_998,
    boxShadow: '0 -4px 18px rgb(0 0 0 / 25%)',
  };
  return (
    <>
      {isOpen ? (
        <PipelineView source={source} theme={theme} control={control} style={panel} />
      ) : null}
      <button
        type="button"
        aria-expanded={isOpen}
        aria-label={isOpen ? 'Close the pipeline inspector' : 'Open the pipeline inspector'}
        onClick={toggle}
        style={{ ...BUTTON, ...cornerOf(buttonPosition, isOpen ? height : 0) }}
      >
        {isOpen ? '✕' : '◆'}
      </button>
    </>
  );
}

const BUTTON: CSSProperties = {
  position: 'fixed',
  zIndex: 99_999,
  width: 40,
  height: 40,
  border: '2px solid #ffffff',
  borderRadius: 20,
  background: '#0b62d6',
  color: '#ffffff',
  fontSize: 18,
  cursor: 'pointer',
};

/** The corner, above the panel when that is open. */
function cornerOf(position: string, panel: number | string): CSSProperties {
  const lift = typeof panel === 'number' ? `${String(panel)}px` : panel;
  const vertical = position.startsWith('top') ? { top: 12 } : { bottom: `calc(${lift} + 12px)` };
  return { ...vertical, ...(position.endsWith('left') ? { left: 12 } : { right: 12 }) };
}

function storedOpen(): boolean | undefined {
  try {
    const stored = localStorage.getItem(STORED);
    return stored === null ? undefined : stored === 'true';
  } catch {
    // Storage may be forbidden: then it is as if nothing had been stored.
    return undefined;
  }
}

function storeOpen(isOpen: boolean): void {
  try {
    localStorage.setItem(STORED, String(isOpen));
  } catch {
    return;
  }
}
