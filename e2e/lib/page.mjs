// Serves the page under test, bundled with the client as it comes from its
// package: the current one at /, any other version at /<version>.
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');

/** Returns the page's script with a version of the client; '' is the current one. */
async function bundle(version) {
  const result = await build({
    absWorkingDir: root,
    entryPoints: ['page/page.js'],
    bundle: true,
    write: false,
    format: 'iife',
    mainFields: ['browser', 'module', 'main'],
    define: { global: 'window' },
    alias: version ? { 'amazon-chime-sdk-js': `chime-${version}` } : {},
    logLevel: 'error',
  });
  return result.outputFiles[0].text;
}

/** Serves the page on a free port of an address. Each version is bundled when it is asked for first. */
export async function servePage(address = 'localhost') {
  const scripts = new Map();
  const script = version => scripts.get(version) ?? scripts.set(version, bundle(version)).get(version);
  const http = createServer(async (request, response) => {
    const [, version, file] = /^\/([\d.]*)(?:\/?(page\.js))?$/.exec(request.url) ?? [];
    try {
      if (version === undefined) response.writeHead(404).end();
      else if (file) response.writeHead(200, { 'content-type': 'text/javascript' }).end(await script(version));
      else response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><title>e2e</title><body><script src="/${version && `${version}/`}page.js"></script>`);
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise(done => http.listen(0, address, done));
  return { url: `http://${address}:${http.address().port}/`, close: () => new Promise(done => http.close(done).closeAllConnections()) };
}
