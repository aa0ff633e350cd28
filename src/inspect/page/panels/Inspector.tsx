/** The whole inspector: bars, the tab, the detail beside it. */
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import type { RunSource } from '../../run-source.ts';
import { InspectorContext, useViewer, type Opened } from '../view/context.ts';
import { useKeys } from '../view/keys.ts';
import type { Tab } from '../view/place.ts';
import { createViewer, type Viewer, type ViewerOptions } from '../view/viewer.ts';
import { ActorsPanel } from './ActorsPanel.tsx';
import { Drawer } from './Drawer.tsx';
import { EventsPanel } from './EventsPanel.tsx';
import { Help } from './Help.tsx';
import { MessagesPanel } from './MessagesPanel.tsx';
import { MetricsPanel } from './MetricsPanel.tsx';
import type { PanelActions, PanelProps } from './panel-props.ts';
import { PipelinePanel } from './PipelinePanel.tsx';
import { RunsPanel } from './RunsPanel.tsx';
import { TimelinePanel } from './TimelinePanel.tsx';
import { TopBar } from './TopBar.tsx';
import { Transport } from './Transport.tsx';
import { WhyBar } from './WhyBar.tsx';

const PANELS: Readonly<Record<Tab, (props: PanelProps) => ReactNode>> = {
  pipeline: PipelinePanel,
  actors: ActorsPanel,
  messages: MessagesPanel,
  timeline: TimelinePanel,
  metrics: MetricsPanel,
  events: EventsPanel,
  runs: RunsPanel,
};

/** What was said is shown for so long. */
const SAID_MS = 5000;

export type Theme = 'auto' | 'light' | 'dark';

export interface InspectorProps {
  readonly source: RunSource;
  readonly viewerOptions: ViewerOptions;
  readonly theme: Theme;
  /** Takes keys of the whole page, not only those pressed inside of it. */
  readonly ownsPage: boolean;
}

export function Inspector({
  source,
  viewerOptions,
  theme: wanted,
  ownsPage,
}: InspectorProps): ReactNode {
  const system = useSystemTheme();
  const [chosen, setTheme] = useState<'light' | 'dark' | undefined>();
  const theme = chosen ?? (wanted === 'auto' ? system : wanted);
  const [said, say] = useState('');
  useEffect(() => {
    if (said === '') return;
    const timer = setTimeout(() => {
      say('');
    }, SAID_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [said]);
  const [recordings, setRecordings] = useState<readonly Opened[]>([]);
  const [shown, show] = useState(source);
  const viewer = useViewerOf(shown, viewerOptions);
  const surroundings = useMemo(() => {
    if (viewer === undefined) return undefined;
    const add = (opened: Opened): void => {
      setRecordings((before) => [...before.filter(({ name }) => name !== opened.name), opened]);
      show(opened.source);
    };
    const first = { name: 'the run', source };
    return { viewer, theme, setTheme, say, opened: [first, ...recordings], show, add };
  }, [viewer, theme, source, recordings]);
  if (surroundings === undefined) return null;
  return (
    <InspectorContext value={surroundings}>
      <Shell theme={theme} ownsPage={ownsPage} said={said} />
    </InspectorContext>
  );
}

/** A viewer lives as long as its source is shown; another one begins at the newest moment. */
function useViewerOf(source: RunSource, options: ViewerOptions): Viewer | undefined {
  const [viewer, setViewer] = useState<Viewer>();
  const isFirst = useRef(true);
  useEffect(() => {
    const made = createViewer(source, options);
    if (!isFirst.current) {
      made.go({ at: undefined, selection: undefined, range: undefined, tab: 'pipeline' });
    }
    isFirst.current = false;
    setViewer(made);
    return () => {
      made.close();
    };
  }, [source, options]);
  return viewer;
}

function Shell({
  theme,
  ownsPage,
  said,
}: {
  readonly theme: 'light' | 'dark';
  readonly ownsPage: boolean;
  readonly said: string;
}): ReactNode {
  const { source, place } = useViewer();
  const root = useRef<HTMLDivElement>(null);
  const actions = useRef<PanelActions>({});
  const [asTable, setAsTable] = useState(false);
  const [isHelpOpen, setHelpOpen] = useState(false);
  useKeys(root, {
    ownsPage,
    actions,
    toggleTable: () => {
      setAsTable((shown) => !shown);
    },
    openHelp: () => {
      setHelpOpen(true);
    },
  });
  const Panel = PANELS[place.tab];
  const hasDrawer = place.selection !== undefined && place.selection.kind !== 'actor';
  return (
    <div
      ref={root}
      className="inspector"
      data-theme={theme}
      data-past={place.at !== undefined}
      data-offline={source.status.kind === 'disconnected'}
    >
      <TopBar
        onHelp={() => {
          setHelpOpen(true);
        }}
      />
      <WhyBar />
      <main className="stage" id="stage" data-drawer={hasDrawer}>
        <div className="panel" role="tabpanel" aria-labelledby={`tab-${place.tab}`}>
          <Panel key={place.tab} asTable={asTable} actions={actions} />
        </div>
        <Drawer />
      </main>
      <Transport />
      <Help
        isOpen={isHelpOpen}
        onClose={() => {
          setHelpOpen(false);
        }}
      />
      <Announcer said={said} />
    </div>
  );
}

/** Tells screen readers what limits the run when that changes, once in five seconds at most. */
function Announcer({ said }: { readonly said: string }): ReactNode {
  const { model } = useViewer();
  const { text } = model.why;
  const newest = useRef(text);
  const [announced, announce] = useState('');
  useEffect(() => {
    newest.current = text;
  }, [text]);
  useEffect(() => {
    const timer = setInterval(() => {
      announce(newest.current);
    }, 5000);
    return () => {
      clearInterval(timer);
    };
  }, []);
  return (
    <>
      <div className="visually-hidden" role="status" aria-live="polite">
        {announced}
      </div>
      <div className="toast" role="status" aria-live="polite">
        {said}
      </div>
    </>
  );
}

function useSystemTheme(): 'light' | 'dark' {
  const [isDark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const onChange = (): void => {
      setDark(query.matches);
    };
    query.addEventListener('change', onChange);
    return () => {
      query.removeEventListener('change', onChange);
    };
  }, []);
  return isDark ? 'dark' : 'light';
}
