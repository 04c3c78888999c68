import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { Attendee, launchChromium, servePage } from '../lib/browser.mjs';
import { freePort, makeMeeting, startServer } from '../lib/server.mjs';

let page;
let browser;
let server;
let tabs = [];
before(async () => {
  [page, browser] = await Promise.all([servePage(), launchChromium()]);
});
after(async () => {
  await browser?.close();
  await page?.close();
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
