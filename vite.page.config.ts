// Builds the inspector's page, and the same as a module that mounts it: the two files a browser loads.
import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// Whoever builds it, tests included: this is what users get.
process.env['NODE_ENV'] = 'production';

/** The page loads the inspector as it is published: everything is in that one module. */
const asPublished: Plugin = {
  name: 'inspector-as-published',
  enforce: 'pre',
  resolveId: (source) =>
    source === '#inspector-page' ? { id: './inspector.js', external: 'relative' } : undefined,
};

export default defineConfig({
  root: at('src/inspect/page'),
  // Relative, so that the page can be mounted below any path.
  base: './',
  plugins: [asPublished, react()],
  experimental: {
    // Loaded from a Blob, as in a replay, the module has nothing beside it: that must not keep it from loading.
    renderBuiltUrl(filename, { hostType }) {
      if (hostType !== 'js') return { relative: true };
      const beside = `new URL(${JSON.stringify(filename)},import.meta.url).href`;
      return { runtime: `(()=>{try{return ${beside}}catch{return''}})()` };
    },
  },
  build: {
    outDir: at('dist/ui'),
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy of the page allows no inline scripts, and no data: addresses of any.
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      input: {
        page: at('src/inspect/page/index.html'),
        inspector: at('src/inspect/page/inspector.ts'),
      },
      preserveEntrySignatures: 'exports-only',
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: '[name].js',
        assetFileNames: '[name][extname]',
      },
    },
  },
});
