// Imports point one way, src -> actors -> machines, and what runs in a browser imports nothing of Node.
/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'machines-know-nobody',
      comment: 'The charts are pure: they import neither actors nor the public surface.',
      severity: 'error',
      from: { path: '^machines/' },
      to: { path: '^(actors|src)/' },
    },
    {
      name: 'actors-below-src',
      severity: 'error',
      from: { path: '^actors/' },
      to: { path: '^src/' },
    },
    {
      name: 'browser-safe',
      comment: 'Node-only code sits behind entry points of its own.',
      severity: 'error',
      from: {
        path: '^(machines|actors|src)/',
        pathNot: '^src/(node|cli|arrow|inspect/server)/|^src/node-tools\\.ts$',
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'main-entry-without-node',
      comment: 'What it needs of them at run time it imports when it is asked for.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: '^src/(node|cli|arrow|inspect/server)/|^src/node-tools\\.ts$',
      },
      to: {
        path: '^src/(node|cli|arrow|inspect/server)/|^src/node-tools\\.ts$',
        dependencyTypesNot: ['dynamic-import', 'type-only'],
      },
    },
    {
      name: 'few-dependencies',
      comment: 'The main entry needs xstate, immer and rxjs, and nothing else.',
      severity: 'error',
      from: {
        path: '^(machines|actors|src)/',
        pathNot: '^src/(node|cli|arrow|inspect|react|element)/',
      },
      to: { dependencyTypes: ['npm'], pathNot: 'node_modules/(xstate|immer|rxjs)/' },
    },
    {
      name: 'charts-need-xstate-only',
      severity: 'error',
      from: { path: '^machines/' },
      to: { dependencyTypes: ['npm'], pathNot: 'node_modules/xstate/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^#inspector-page$' },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: '\\.d\\.ts$' },
      to: {},
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: 'specify',
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'default'],
    },
    doNotFollow: { path: 'node_modules' },
  },
};
