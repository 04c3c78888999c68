// Three servers that are one cluster, behind a balancer. Only Node itself is needed here.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { binary, freePort, startServer } from './server.mjs';
import { waitFor } from './wait.mjs';

const operatorSecret = 'an-operators-secret-for-tests';

/** Leads each connection to a node that is ready, like any balancer; nodes() gives their URLs. */
async function startBalancer(nodes) {
  const ready = new Set();
  const look = async () => {
    for (const url of nodes()) {
      const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
      if (answer?.ok) ready.add(url);
      else ready.delete(url);
    }
  };
  const looking = setInterval(look, 500);
  const open = new Set();
  const server = createServer(client => {
    open.add(client.on('close', () => open.delete(client)).on('error', () => {}));
    const tries = nodes().filter(url => ready.has(url)).sort(() => Math.random() - 0.5);
    const next = () => {
      const url = tries.pop();
      if (!url) return client.destroy();
      const node = connect(Number(new URL(url).port), '127.0.0.1');
      node.once('error', next);
      node.once('connect', () => {
        node.off('error', next).on('error', () => client.destroy()).on('close', () => client.destroy());
        client.on('close', () => node.destroy());
        client.pipe(node).pipe(client);
      });
    };
    next();
  });
  await new Promise(done => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    look,
    close() {
      clearInterval(looking);
      for (const client of open) client.destroy();
      return new Promise(done => server.close(done));
    },
  };
}

/** Starts three nodes and a balancer in front of them, whose url is what clients use. */
export async function startCluster() {
  const directory = await mkdtemp(join(tmpdir(), 'carillon-e2e-cluster-'));
  const secret = join(directory, 'secret');
  await writeFile(secret, randomBytes(32).toString('hex'), { mode: 0o600 });
  const nodes = [];
  for (const name of ['n1', 'n2', 'n3']) {
    const [port, cluster, inner] = [await freePort(), await freePort(), await freePort()];
    nodes.push({ name, listen: `127.0.0.1:${port}`, url: `http://127.0.0.1:${port}`, cluster: `127.0.0.1:${cluster}`, inner: `127.0.0.1:${inner}` });
  }
  const balancer = await startBalancer(() => nodes.map(n => n.url));
  for (const node of nodes) {
    node.start = async () => {
      const flags = [
        '--node', node.name, '--cluster-listen', node.cluster, '--cluster-http', node.inner, '--cluster-secret-file', secret,
        '--cluster-peers', nodes.map(n => n.cluster).join(','), '--public-url', balancer.url, '--operator-secret', operatorSecret,
      ];
      node.server = await startServer(flags, { data: join(directory, node.name), listen: node.listen });
    };
  }
  await Promise.all(nodes.map(node => node.start()));
  const allReady = async () => {
    for (const { url } of nodes) await waitFor(`${url} to be ready`, async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok, { timeout: 60_000 });
    await balancer.look();
  };
  await allReady();
  /** Runs `carillon cluster …` at a node. */
  const command = async (node, ...args) => {
    const { stdout } = await promisify(execFile)(binary, ['cluster', ...args, '--endpoint', node.url, '--operator-secret', operatorSecret]);
    return stdout;
  };
  return {
    url: balancer.url,
    nodes,
    /** Starts the nodes again that were ended. */
    async restore() {
      await Promise.all(nodes.filter(node => !node.server.running()).map(node => node.start()));
      await allReady();
    },
    command,
    /** The node that runs a meeting. */
    async owner(meetingId) {
      const slot = Number.parseInt(meetingId.slice(-2), 16) % 64;
      const status = JSON.parse(await command(nodes.find(n => n.server.running()), 'status', '--json'));
      return nodes.find(n => n.name === status.slots[slot].owner);
    },
    async stop() {
      await Promise.all(nodes.filter(n => n.server?.running()).map(n => n.server.stop()));
      await balancer.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
