// Bundles the page with the client as it comes from its package.
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';

const here = new URL('..', import.meta.url);

/** Returns the page's script as text. */
export async function bundle() {
  const result = await build({
    entryPoints: [fileURLToPath(new URL('page/page.js', here))],
    bundle: true,
    write: false,
    format: 'iife',
    mainFields: ['browser', 'module', 'main'],
    define: { global: 'window' },
    logLevel: 'error',
  });
  return result.outputFiles[0].text;
}
