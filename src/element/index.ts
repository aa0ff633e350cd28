/**
 * `<pipeline-view>`: the inspector as a custom element, for pages that have no React. Importing this
 * defines it.
 *
 * @module sluice/element
 */
import { mountView, type MountedView } from '../inspect/mount-view.ts';
import type { Inspected } from '../inspect/open-source.ts';
import type { InspectorPlace, InspectorTheme } from '../inspect/view-options.ts';

/**
 * Attributes: `src` (address of an inspector, with its token), `theme`, `control`. Properties: `source`
 * (a run, a recording, ...), `place`, which counts when the source is set. Event: `error`, with what went
 * wrong as its `error`.
 */
export class PipelineViewElement extends HTMLElement {
  /** @internal */
  static readonly observedAttributes = ['src', 'theme', 'control'] as const;

  #source: Inspected | undefined;
  #view: MountedView | undefined;
  /** Where in the run to begin. */
  place: InspectorPlace | undefined;

  /** What is shown; until it is set, that of the attribute `src`. */
  get source(): Inspected | undefined {
    return this.#source ?? this.getAttribute('src') ?? undefined;
  }

  set source(source: Inspected | undefined) {
    this.#source = source;
    this.#mount();
  }

  /** @internal */
  connectedCallback(): void {
    if (this.style.display === '') this.style.display = 'block';
    this.#mount();
  }

  /** @internal */
  disconnectedCallback(): void {
    this.#unmount();
  }

  /** @internal */
  attributeChangedCallback(name: string): void {
    if (name === 'theme') this.#view?.setTheme(this.#theme());
    else this.#mount();
  }

  #theme(): InspectorTheme {
    const theme = this.getAttribute('theme');
    return theme === 'light' || theme === 'dark' ? theme : 'auto';
  }

  #mount(): void {
    this.#unmount();
    const { source, place } = this;
    if (!this.isConnected || source === undefined) return;
    const element = document.createElement('div');
    element.style.height = '100%';
    this.replaceChildren(element);
    const options = {
      theme: this.#theme(),
      control: this.hasAttribute('control'),
      ...(place === undefined ? {} : { place }),
    };
    this.#view = mountView(element, source, options, (error) => {
      this.dispatchEvent(new ErrorEvent('error', { error }));
    });
  }

  #unmount(): void {
    this.#view?.unmount();
    this.#view = undefined;
    this.replaceChildren();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'pipeline-view': PipelineViewElement;
  }
}

if (!customElements.get('pipeline-view')) {
  customElements.define('pipeline-view', PipelineViewElement);
}
