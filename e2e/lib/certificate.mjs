// A certificate for 127.0.0.1, made for one test run.
import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Makes a key and a certificate signed by itself. */
export async function makeCertificate() {
  const directory = await mkdtemp(join(tmpdir(), 'carillon-certificate-'));
  const [file, keyFile] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-keyout', keyFile, '-out', file, '-subj', '/CN=carillon', '-addext', 'subjectAltName=IP:127.0.0.1']);
  const text = await readFile(file, 'utf8');
  const publicKey = new X509Certificate(text).publicKey.export({ type: 'spki', format: 'der' });
  return {
    file, keyFile, text,
    /** What makes Chromium trust this key and no other that it would not trust anyhow. */
    chromiumFlag: `--ignore-certificate-errors-spki-list=${createHash('sha256').update(publicKey).digest('base64')}`,
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
