// Builds the three pages into the folder that the Go server embeds.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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

// What finds a person in a picture is fetched by the meeting page when somebody
// wants it, and stands as it is in its package beside the scripts: once, in its
// gzip form, for half of it is never asked for and all of it is in the binary.
const segmentation = resolve(import.meta.dirname, 'node_modules/@mediapipe/selfie_segmentation');
const segmentationFolder = `assets/selfie-${JSON.parse(readFileSync(join(segmentation, 'package.json'), 'utf8')).version}/`;
const segmentationFiles = [
  'selfie_segmentation.js',
  'selfie_segmentation.binarypb',
  'selfie_segmentation_landscape.tflite',
  'selfie_segmentation_solution_simd_wasm_bin.js',
  'selfie_segmentation_solution_simd_wasm_bin.wasm',
];
function segmentationAssets() {
  const copy = () => {
    const to = join(out, segmentationFolder);
    mkdirSync(to, { recursive: true });
    for (const name of segmentationFiles) {
      writeFileSync(join(to, `${name}.gz`), gzipSync(readFileSync(join(segmentation, name)), { level: 9 }));
    }
  };
  return { name: 'carillon-segmentation', apply: 'build', closeBundle: copy };
}

// The packages of others that end up in the pages are listed, by folder, for
// the notices that their licences ask for.
function bundledPackages() {
  const found = new Set([segmentation]);
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
      const list = resolve(import.meta.dirname, '.built/bundled.json'); // not in node_modules, which two trees may share
      mkdirSync(resolve(list, '..'), { recursive: true });
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
  plugins: [gzipped(), segmentationAssets(), versioned(), bundledPackages()],
  define: {
    // The meeting SDK's dependencies expect Node's name of the global object.
    global: 'globalThis',
    __SEGMENTATION__: JSON.stringify(`/${segmentationFolder}`),
    // The content security policy allows WebAssembly on the meeting page alone,
    // for what finds a person in a picture. Saying so here makes the 64-bit
    // arithmetic of a dependency take its plain way at once.
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
