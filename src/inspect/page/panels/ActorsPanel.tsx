/** The actors as a tree, and the statechart, the context and the inbox of one of them. */
import { useState, type ReactNode } from 'react';
import type { ActorModel, RunModel } from '../../../run-model/index.ts';
import { mountStatechart } from '../drawing/statechart.ts';
import { useSurroundings, useViewer } from '../view/context.ts';
import { count, duration, plain } from '../view/format.ts';
import { lookOfState } from '../view/state-look.ts';
import type { Viewer } from '../view/viewer.ts';
import { ActorDetail } from './ActorDetail.tsx';
import { Canvas, type CanvasProps } from './Canvas.tsx';
import type { PanelProps } from './panel-props.ts';
import { Empty, StateBadge, Twin } from './parts.tsx';

/** More of the same machine below one parent than this are folded. */
const FOLD_ABOVE = 12;

export function ActorsPanel({ asTable, actions }: PanelProps): ReactNode {
  const { model } = useViewer();
  const [filter, setFilter] = useState('');
  const actor = useShownActor();
  const actors = Object.values(model.actors);
  if (actors.length === 0) {
    return (
      <Empty title="No actor yet">
        <p>Actors show up as soon as the run starts. A plain XState actor is shown with</p>
        <pre>{"import { inspectActor } from 'sluice/inspect';\nawait inspectActor(actor);"}</pre>
      </Empty>
    );
  }
  return (
    <div className="actors">
      <div className="tree-side">
        <div className="toolbar">
          <input
            type="search"
            aria-label="Filter actors"
            placeholder="Filter actors ( / )"
            value={filter}
            onChange={(event) => {
              setFilter(event.target.value);
            }}
          />
        </div>
        <Tree filter={filter} selected={actor?.path} />
      </div>
      <div className="chart-side">
        {actor === undefined ? null : <Header actor={actor} model={model} />}
        {asTable ? <StateTable actor={actor} model={model} /> : <Chart actions={actions} />}
      </div>
      {actor === undefined ? null : <ActorDetail actor={actor} />}
    </div>
  );
}

/** The actor that is selected, or the one of the operator that is, or the root. */
function shownActor(viewer: Viewer): ActorModel | undefined {
  const { model, place } = viewer;
  const { selection } = place;
  const actors = Object.values(model.actors);
  if (selection?.kind === 'actor') return model.actors[selection.path];
  if (selection?.kind === 'operator') {
    const found = actors.find(({ machine, id }) => machine === 'operator' && id === selection.name);
    if (found !== undefined) return found;
  }
  return actors.find(({ machine }) => model.machines[machine] !== undefined) ?? actors[0];
}

function useShownActor(): ActorModel | undefined {
  return shownActor(useViewer().viewer);
}

function Header({
  actor,
  model,
}: {
  readonly actor: ActorModel;
  readonly model: RunModel;
}): ReactNode {
  return (
    <div className="toolbar">
      <h2>{plain(actor.id)}</h2>
      <span className="dim">{plain(actor.machine)}</span>
      {actor.state === '' ? null : (
        <StateBadge look={lookOfState(actor.state).look} word={plain(actor.state, 60)} />
      )}
      <span className="dim">
        {actor.stoppedAt === undefined
          ? `for ${duration(Math.max(0, model.at - actor.stateSince))}`
          : 'stopped'}
        {actor.lastEvent === undefined ? '' : `, since ${plain(actor.lastEvent, 60)}`}
      </span>
    </div>
  );
}

function Chart({ actions }: Pick<PanelProps, 'actions'>): ReactNode {
  const { viewer } = useSurroundings();
  const { model } = useViewer();
  const actor = useShownActor();
  const machine = actor === undefined ? undefined : model.machines[actor.machine];
  const mount: CanvasProps['mount'] = (element) => {
    const chart = mountStatechart(element);
    return {
      draw: ({ model: now, numbers }) => {
        const shown = shownActor(viewer);
        const definition = shown === undefined ? undefined : now.machines[shown.machine];
        chart.update(definition, shown, now.at, numbers);
      },
      fit: chart.fit,
      zoom: chart.zoom,
      destroy: chart.destroy,
    };
  };
  return (
    <Canvas actions={actions} mount={mount} hidden={machine === undefined}>
      {machine === undefined ? (
        <Empty title="No statechart">
          <p>
            {actor === undefined
              ? 'This run has no such actor at this moment.'
              : 'This actor is a callback, a promise or an observable: it has no states to draw.'}
          </p>
        </Empty>
      ) : null}
    </Canvas>
  );
}

function StateTable({
  actor,
  model,
}: {
  readonly actor: ActorModel | undefined;
  readonly model: RunModel;
}): ReactNode {
  const machine = actor === undefined ? undefined : model.machines[actor.machine];
  if (actor === undefined || machine === undefined) return <Empty title="No statechart" />;
  const states: { id: string; description: string; leaves: string }[] = [];
  const visit = (state: typeof machine.root): void => {
    if (state.id !== '') {
      const leaves = state.transitions
        .filter(({ targets }) => targets.length > 0)
        .map(({ event, label, targets, guard }) => {
          const name = label ?? (event === '' ? 'always' : event);
          return `${name}${guard === undefined ? '' : ` [${guard}]`} → ${targets.join(', ')}`;
        });
      states.push({
        id: state.id,
        description: state.description ?? '',
        leaves: leaves.join('; '),
      });
    }
    for (const child of state.states) visit(child);
  };
  visit(machine.root);
  return (
    <Twin
      caption={`States of ${plain(actor.id)}`}
      rows={states}
      keyOf={({ id }) => id}
      columns={[
        { name: 'state', cell: ({ id }) => plain(id) },
        { name: 'now', cell: ({ id }) => (actor.state.split(' ').includes(id) ? '● here' : '') },
        { name: 'entered', numeric: true, cell: ({ id }) => count(actor.visits[id] ?? 0) },
        { name: 'meaning', cell: ({ description }) => plain(description) },
        { name: 'leads to', cell: ({ leaves }) => plain(leaves, 600) },
      ]}
    />
  );
}

interface Branch {
  readonly actor: ActorModel;
  readonly depth: number;
  /** So many more like it are folded into this line. */
  readonly folded: number;
}

function Tree({
  filter,
  selected,
}: {
  readonly filter: string;
  readonly selected: string | undefined;
}): ReactNode {
  const { viewer, model } = useViewer();
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const branches = branchesOf(model, filter.trim().toLowerCase(), unfolded);
  if (branches.length === 0) return <p className="pad dim">No actor matches the filter.</p>;
  return (
    <ul className="tree" aria-label="Actors">
      {branches.map(({ actor, depth, folded }) => (
        <li key={folded > 0 ? `${actor.path} …` : actor.path}>
          {folded > 0 ? (
            <button
              type="button"
              className="quiet"
              style={{ paddingLeft: `${String(10 + depth * 14)}px` }}
              onClick={() => {
                setUnfolded(new Set([...unfolded, `${actor.parent ?? ''} ${actor.machine}`]));
              }}
            >
              and {folded} more of {plain(actor.machine)} …
            </button>
          ) : (
            <button
              type="button"
              className={`quiet branch${actor.stoppedAt === undefined ? '' : ' stopped'}`}
              aria-current={actor.path === selected}
              style={{ paddingLeft: `${String(10 + depth * 14)}px` }}
              onClick={() => {
                viewer.go({ selection: { kind: 'actor', path: actor.path } });
              }}
            >
              <span className={`glyph state-${lookOfState(actor.state).look}`} aria-hidden="true">
                {actor.state === '' ? '·' : lookOfState(actor.state).glyph}
              </span>
              <span className="branch-name">{plain(actor.id, 60)}</span>
              <span className="dim branch-state">
                {actor.stoppedAt === undefined ? plain(actor.state, 40) : 'stopped'}
              </span>
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

function branchesOf(
  model: RunModel,
  filter: string,
  unfolded: ReadonlySet<string>,
): readonly Branch[] {
  const byParent = new Map<string, ActorModel[]>();
  for (const actor of Object.values(model.actors)) {
    const siblings = byParent.get(actor.parent ?? '');
    if (siblings === undefined) byParent.set(actor.parent ?? '', [actor]);
    else siblings.push(actor);
  }
  const branches: Branch[] = [];
  function grow(parent: string, depth: number): void {
    const counts = new Map<string, number>();
    for (const actor of byParent.get(parent) ?? []) {
      const text = `${actor.path} ${actor.machine} ${actor.state}`.toLowerCase();
      const matches = filter === '' || text.includes(filter);
      const same = (counts.get(actor.machine) ?? 0) + 1;
      counts.set(actor.machine, same);
      if (same > FOLD_ABOVE && filter === '' && !unfolded.has(`${parent} ${actor.machine}`))
        continue;
      if (matches) branches.push({ actor, depth, folded: 0 });
      grow(actor.path, depth + 1);
    }
    for (const [machine, number] of counts) {
      const isFolded =
        number > FOLD_ABOVE && filter === '' && !unfolded.has(`${parent} ${machine}`);
      const last = (byParent.get(parent) ?? []).findLast((actor) => actor.machine === machine);
      if (isFolded && last !== undefined) {
        branches.push({ actor: last, depth, folded: number - FOLD_ABOVE });
      }
    }
  }
  grow('', 0);
  return branches;
}
