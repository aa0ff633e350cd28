/** The package has no types of its own: all of its interface comes from another. */
declare module 'onnxruntime-node' {
  export * from 'onnxruntime-common';
}
