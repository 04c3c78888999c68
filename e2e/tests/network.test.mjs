import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { Attendee } from '../lib/attendee.mjs';
import { makeCertificate } from '../lib/certificate.mjs';
import { launchChromium } from '../lib/chromium.mjs';
import { makeMeeting } from '../lib/meetings.mjs';
import { servePage } from '../lib/page.mjs';
import { freePort, startServer } from '../lib/server.mjs';
import { waitFor } from '../lib/wait.mjs';

let page;
let browser;
let server;
let certificate;
let tabs = [];
before(async () => {
  certificate = await makeCertificate();
  [page, browser] = await Promise.all([servePage(), launchChromium([certificate.chromiumFlag])]);
});
after(async () => {
  await browser?.close();
  await page?.close();
  await certificate?.remove();
});
afterEach(async () => {
  await Promise.all(tabs.splice(0).map(t => t.tab.close()));
  await server?.stop();
  server = undefined;
});

async function twoTalkAndSee(options = {}) {
  const made = await makeMeeting(server, ['ada', 'bob']);
  const [ada, bob] = [await Attendee.open(browser, page, 'ada'), await Attendee.open(browser, page, 'bob')];
  tabs.push(ada, bob);
  await ada.join(made, 'ada', { tone: 440, options });
  await bob.join(made, 'bob', { tone: 880, options });
  await ada.hears([880], [440]);
  await bob.hears([440], [880]);
  await ada.call('startCamera');
  await bob.sees(ada.id, 20, 60000);
  return { ada, bob };
}

describe('ways through the network', () => {
  test('TURN over UDP only', async () => {
    const turn = await freePort();
    server = await startServer(['--turn-udp', `127.0.0.1:${turn}`]);
    const { ada } = await twoTalkAndSee();
    const route = await ada.call('route');
    assert.equal(route.local, 'relay');
    assert.equal(route.relay, 'udp');
  });

  test('TURN over TCP only', async () => {
    const turn = await freePort();
    server = await startServer(['--turn-tcp', `127.0.0.1:${turn}`]);
    const { ada } = await twoTalkAndSee();
    const route = await ada.call('route');
    assert.equal(route.local, 'relay');
    assert.equal(route.relay, 'tcp');
  });

  test('TURN over TLS only, signaling over TLS', async () => {
    const turn = await freePort();
    server = await startServer(['--turn-tls', `127.0.0.1:${turn}`], { certificate });
    const { ada } = await twoTalkAndSee();
    const route = await ada.call('route');
    assert.equal(route.local, 'relay');
    assert.equal(route.relay, 'tls');
  });

  test('ICE over TCP when UDP does not get through', async () => {
    const media = await freePort();
    const forward = await tcpForwarder('127.0.0.2', media); // nothing answers UDP at that address
    try {
      server = await startServer(['--media-udp', `127.0.0.1:${media}`, '--media-tcp', `127.0.0.1:${media}`, '--media-public-ip', '127.0.0.2']);
      const { ada } = await twoTalkAndSee();
      assert.equal((await ada.call('route')).remoteProtocol, 'tcp');
      assert.ok(forward.bytes() > 10000, `only ${forward.bytes()} bytes came through`);
    } finally {
      await forward.close();
    }
  });

  test('3 % of the packets lost in both directions', async () => {
    const media = await freePort();
    const relay = await lossyRelay('127.0.0.2', media, 0.03);
    try {
      server = await startServer(['--media-udp', `127.0.0.1:${media}`, '--media-tcp', 'off', '--media-public-ip', '127.0.0.2']);
      const { bob, ada } = await twoTalkAndSee();
      await bob.sees(ada.id, 60, 60000);
      await bob.hears([440], [880]);
      assert.ok(relay.lost() > 20, `only ${relay.lost()} packets were lost`);
      const [video] = await bob.call('inbound', 'video');
      assert.ok(video.nackCount > 0, 'losses were asked for again');
    } finally {
      await relay.close();
    }
  });

  test('a narrow link: the server sends the smaller picture, and the large one when there is room again', async () => {
    const media = await freePort();
    const relay = await narrowRelay('127.0.0.2', media);
    try {
      server = await startServer(['--media-udp', `127.0.0.1:${media}`, '--media-tcp', 'off', '--media-public-ip', '127.0.0.2']);
      const made = await makeMeeting(server, ['ada', 'bob', 'cleo']);
      const [ada, bob, cleo] = await Promise.all(['ada', 'bob', 'cleo'].map(name => Attendee.open(browser, page, name)));
      tabs.push(ada, bob, cleo);
      await ada.join(made, 'ada', { tone: 440, options: { simulcast: true } });
      await bob.join(made, 'bob', { options: { priority: true } }); // leaves the choice to the server
      await cleo.join(made, 'cleo', { options: { priority: true } });
      await ada.call('startCamera', { width: 1280, height: 720, restless: true });
      await cleo.call('startCamera', { width: 320, height: 180 }); // with three parties the client sends two layers
      await bob.sees(ada.id);
      await bob.call('prefer', [{ attendeeId: ada.id, priority: 1, size: 'High' }]);
      const width = async () => (await bob.call('pictures'))[ada.id]?.width ?? 0;
      const explain = async () => JSON.stringify(await bob.call('pictures'));
      const large = await waitFor('the large picture', async () => { const w = await width(); return w >= 480 && w; }, { timeout: 90000, explain });
      relay.limit(450);
      const small = await waitFor('a smaller picture', async () => { const w = await width(); return w > 0 && w < large && w; }, { timeout: 60000, explain });
      await bob.sees(ada.id, 5, 60000);
      await bob.hears([440]);
      relay.limit(Infinity);
      await waitFor('the large picture again', async () => (await width()) > small, { timeout: 90000, explain });
      await bob.sees(ada.id, 5);
    } finally {
      await relay.close();
    }
  });
});

/** Forwards TCP connections at address:port to 127.0.0.1:port. */
async function tcpForwarder(address, port) {
  let bytes = 0;
  const open = new Set();
  const front = createServer(client => {
    const back = connect(port, '127.0.0.1');
    for (const [from, to] of [[client, back], [back, client]]) {
      open.add(from);
      from.on('data', chunk => (bytes += chunk.length));
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => { open.delete(from); to.destroy(); });
    }
  });
  await new Promise(done => front.listen(port, address, done));
  return {
    bytes: () => bytes,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise(done => front.close(done));
    },
  };
}

/**
 * Forwards datagrams between clients at address:port and 127.0.0.1:port. Towards each client it is a link of a settable
 * rate with a queue of half a second, which delays first and then loses.
 */
async function narrowRelay(address, port) {
  const clients = new Map();
  let kbps = Infinity;
  const front = createSocket('udp4');
  front.on('message', (message, from) => {
    const key = `${from.address}:${from.port}`;
    let client = clients.get(key);
    if (!client) {
      client = { back: createSocket('udp4'), freeAt: 0, timers: new Set() };
      clients.set(key, client);
      client.back.on('message', reply => {
        const now = performance.now();
        client.freeAt = Math.max(client.freeAt, now) + (8 * reply.length) / kbps;
        const wait = client.freeAt - now;
        if (wait > 500) {
          client.freeAt -= (8 * reply.length) / kbps; // the queue is full
        } else if (wait < 1) {
          front.send(reply, from.port, from.address);
        } else {
          const timer = setTimeout(() => {
            client.timers.delete(timer);
            front.send(reply, from.port, from.address);
          }, wait);
          client.timers.add(timer);
        }
      });
    }
    client.back.send(message, port, '127.0.0.1');
  });
  await new Promise(done => front.bind(port, address, done));
  return {
    limit: rate => (kbps = rate),
    async close() {
      for (const c of clients.values()) {
        for (const timer of c.timers) clearTimeout(timer);
        c.back.close();
      }
      front.close();
    },
  };
}

/** Forwards datagrams between clients at address:port and 127.0.0.1:port, losing a share of them evenly. */
async function lossyRelay(address, port, share) {
  const clients = new Map();
  let count = 0;
  let lost = 0;
  const passes = message => {
    if (message[0] < 128 || ++count % Math.round(1 / share)) return true; // only media is lost
    lost += 1;
    return false;
  };
  const front = createSocket('udp4');
  front.on('message', (message, from) => {
    const key = `${from.address}:${from.port}`;
    let back = clients.get(key);
    if (!back) {
      back = createSocket('udp4');
      clients.set(key, back);
      back.on('message', reply => passes(reply) && front.send(reply, from.port, from.address));
    }
    if (passes(message)) back.send(message, port, '127.0.0.1');
  });
  await new Promise(done => front.bind(port, address, done));
  return {
    lost: () => lost,
    async close() {
      front.close();
      for (const c of clients.values()) c.close();
    },
  };
}
