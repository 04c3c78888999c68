// A server that speaks the protocol of vosk-server (docs/transcription.md), with
// Debian's pocketsphinx and its English model as the recogniser, and the speech
// that it understands, made with Debian's flite.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Makes a file of speech with a pause behind, as a browser's microphone takes it. */
export async function speak(directory, name, text, voice) {
  const file = join(directory, `${name}.wav`);
  await run('flite', ['-voice', voice, '-t', text, '-o', `${file}.raw.wav`]);
  await run('ffmpeg', ['-v', 'error', '-y', '-i', `${file}.raw.wav`, '-af', 'apad=pad_dur=3', '-ar', '48000', '-ac', '1', file]);
  return file;
}

/** Writes a grammar of any of the words in any order. */
export async function grammar(directory, words) {
  const file = join(directory, 'words.jsgf');
  await writeFile(file, `#JSGF V1.0;\ngrammar words;\npublic <words> = ( ${words.join(' | ')} )+;\n`);
  return file;
}

/** Starts the server. Each connection has a recogniser of its own. */
export async function startRecogniser(words) {
  const connections = new Set();
  const server = createServer((_, response) => response.writeHead(426).end());
  server.on('upgrade', (request, socket) => {
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    const connection = new Connection(socket, words);
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  });
  await new Promise(done => server.listen(0, '127.0.0.1', done));
  return {
    url: `ws://127.0.0.1:${server.address().port}`,
    async stop() {
      for (const connection of connections) connection.end();
      await new Promise(done => server.close(done));
    },
  };
}

/** One client: settings first, then sound, with one answer to each message of it. */
class Connection {
  constructor(socket, words) {
    this.socket = socket;
    this.words = words;
    this.received = Buffer.alloc(0);
    this.results = [];
    this.owed = 0;
    socket.on('data', chunk => this.take(chunk));
    socket.on('error', () => this.end());
    socket.on('close', () => this.end());
  }

  end() {
    clearInterval(this.answering);
    this.recogniser?.stdin.end(); // at which it ends
    this.socket.destroy();
  }

  /** Starts the recogniser at the settings, as vosk-server does. */
  configure(text) {
    const rate = JSON.parse(text).config.sample_rate;
    if (rate !== 16000) return this.end();
    // Its input has to be a pipe, and what Node makes is a socket.
    const command = 'cat | exec stdbuf -oL pocketsphinx_continuous -infile /dev/stdin -jsgf "$0" -time yes -logfn /dev/null';
    this.recogniser = spawn('sh', ['-c', command, this.words], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.recogniser.stdin.on('error', () => {});
    let rest = '';
    this.recogniser.stdout.setEncoding('utf8').on('data', text => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      lines.forEach(line => this.line(line.trim()));
    });
  }

  /** Takes a line of the recogniser: a word with its times, or before those the whole text. */
  line(line) {
    const [, word, start, end, conf] = /^(\S+) (\d+\.\d+) (\d+\.\d+) (\d+\.\d+)$/.exec(line) ?? [];
    this.spoken = Date.now();
    if (!word) {
      if (line) this.results.push([]);
    } else if (!/^[<[(]/.test(word)) {
      this.results.at(-1)?.push({ conf: Number(conf), end: Number(end), start: Number(start), word: word.replace(/\(\d+\)$/, '') });
    }
  }

  /** Takes sound. What was said is known a little later, so it is answered as slowly as it was heard. */
  hear(sound) {
    this.recogniser?.stdin.write(sound);
    this.owed += 1;
    this.answering ??= setInterval(() => this.answer(), 100);
  }

  /** Answers one message: with an utterance whose words have all been there for a while, or with nothing yet. */
  answer() {
    if (this.owed === 0) return;
    this.owed -= 1;
    if (!this.results.length || Date.now() - this.spoken < 100) return this.send({ partial: '' });
    const result = this.results.shift();
    this.send({ result, text: result.map(w => w.word).join(' ') });
  }

  send(message) {
    const text = Buffer.from(JSON.stringify(message));
    const head = text.length < 126 ? Buffer.from([0x81, text.length]) : Buffer.from([0x81, 126, text.length >> 8, text.length & 255]);
    this.socket.write(Buffer.concat([head, text]));
  }

  /** Takes what came: whole frames of a client (RFC 6455 section 5), which are masked and here never in parts. */
  take(chunk) {
    this.received = Buffer.concat([this.received, chunk]);
    for (;;) {
      const b = this.received;
      if (b.length < 2) return;
      const short = b[1] & 127;
      const at = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (b.length < at + 4) return;
      const length = short === 126 ? b.readUInt16BE(2) : short === 127 ? Number(b.readBigUInt64BE(2)) : short;
      if (b.length < at + 4 + length) return;
      const payload = Buffer.from(b.subarray(at + 4, at + 4 + length));
      for (let i = 0; i < length; i++) payload[i] ^= b[at + (i & 3)];
      this.received = b.subarray(at + 4 + length);
      this.message(b[0] & 15, payload);
    }
  }

  message(kind, payload) {
    switch (kind) {
      case 1: {
        const text = payload.toString();
        if (text === '{"eof" : 1}') {
          this.send({ text: '' });
          this.socket.end(Buffer.from([0x88, 2, 3, 232]));
        } else this.configure(text);
        break;
      }
      case 2: this.hear(payload); break;
      case 8: this.socket.end(Buffer.from([0x88, 0])); break;
      case 9: this.socket.write(Buffer.concat([Buffer.from([0x8a, payload.length]), payload])); break;
    }
  }
}
