/** The inspector's page as it is built: `dist/ui/inspector.js`, by the package's own import. */
declare module '#inspector-page' {
  export const connectSource: typeof import('./socket-source.ts').connectSource;
  export const parseRecording: typeof import('./recording.ts').parseRecording;
  export const recordingSource: typeof import('./recording-source.ts').recordingSource;
  export const mountInspector: (
    element: HTMLElement,
    source: import('./run-source.ts').RunSource,
    options?: import('./view-options.ts').MountOptions,
  ) => import('./view-options.ts').MountedInspector;
}
