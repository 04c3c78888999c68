// Where the server stores recordings: a directory, or an S3 server that keeps
// its objects in one.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './server.mjs';
import { waitFor } from './wait.mjs';

const access = 's3access';
const secret = 's3secretsecret';

/**
 * Makes a place for recordings, with one bucket: in S3 when VERSITYGW names the program of versitygw, else a directory.
 *
 * - directory: has the objects, as `bucket/key`.
 * - flags: make the server store there.
 */
export async function openStore() {
  const root = await mkdtemp(join(tmpdir(), 'carillon-recordings-'));
  const directory = join(root, 'store');
  await mkdir(join(directory, 'bucket'), { recursive: true });
  const remove = () => rm(root, { recursive: true, force: true });
  if (!process.env.VERSITYGW) return { directory, flags: ['--recordings', directory], close: remove };

  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(process.env.VERSITYGW, ['--port', address, '--access', access, '--secret', secret, 'posix', directory], { stdio: 'ignore' });
  const gone = new Promise(done => child.once('exit', done));
  await waitFor('the S3 server to answer', async () => {
    if (child.exitCode !== null) throw new Error(`the S3 server ended with ${child.exitCode}`);
    return fetch(`http://${address}/`).catch(() => false);
  });
  await writeFile(join(root, 'secret'), secret);
  return {
    directory,
    flags: ['--capture-s3-endpoint', `http://${address}`, '--capture-s3-access-key', access, '--capture-s3-secret-key-file', join(root, 'secret')],
    async close() {
      child.kill('SIGKILL');
      await gone;
      await remove();
    },
  };
}
