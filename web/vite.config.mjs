// Builds the three pages into the folder that the Go server embeds.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

const version = readFileSync(resolve(import.meta.dirname, '../cmd/carillon/VERSION'), 'utf8').trim();
const out = resolve(import.meta.dirname, '../internal/console/pages/dist');

// Every text file gets a gzip form beside it, so that the server never has to
// compress while somebody waits.
function gzipped() {
  const pack = (dir) => {
    for (const name of readdirSync(dir)) {
      const path = join(dir, name);
      if (statSync(path).isDirectory()) pack(path);
      else if (/\.(js|css|html|svg)$/.test(name)) {
        const raw = readFileSync(path);
        const packed = gzipSync(raw, { level: 9 });
        if (packed.length < raw.length * 0.9) writeFileSync(`${path}.gz`, packed);
      }
    }
  };
  return { name: 'carillon-gzip', apply: 'build', closeBundle: () => pack(out) };
}

// The packages of others that end up in the pages are listed, by folder, for
// the notices that their licences ask for.
function bundledPackages() {
  const found = new Set();
  return {
    name: 'carillon-bundled-packages',
    apply: 'build',
    generateBundle(_, bundle) {
      for (const id of Object.values(bundle).flatMap((chunk) => chunk.moduleIds ?? [])) {
        const dir = id.match(/^\0?(\/.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//)?.[1];
        if (dir) found.add(dir);
      }
    },
    closeBundle() {
      const list = resolve(import.meta.dirname, 'node_modules/.carillon-bundled.json');
      writeFileSync(list, JSON.stringify([...found].sort()));
    },
  };
}

// Every page names the version it was built with.
function versioned() {
  const generator = { tag: 'meta', attrs: { name: 'generator', content: `Carillon ${version}` }, injectTo: 'head' };
  return { name: 'carillon-version', transformIndexHtml: () => [generator] };
}

export default defineConfig({
  plugins: [gzipped(), versioned(), bundledPackages()],
  define: {
    // The meeting SDK's dependencies expect Node's name of the global object.
    global: 'globalThis',
    // The content security policy allows no WebAssembly. Saying so here makes
    // the 64-bit arithmetic of a dependency take its plain way at once instead
    // of trying and being refused.
    WebAssembly: 'undefined',
  },
  build: {
    outDir: out,
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // the content security policy takes no data: addresses
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500, // the meeting SDK, loaded after the first paint
    reportCompressedSize: false,
    rollupOptions: {
      input: ['index.html', 'operator.html', 'explorer.html'].map((name) => resolve(import.meta.dirname, name)),
    },
  },
});
