// Calls the application API, as a customer's backend would.
import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { credentials } from './server.mjs';

/** SHA-256, or HMAC with a secret, as the signer wants it. */
class Sha256 {
  constructor(secret) {
    this.hash = secret ? createHmac('sha256', secret) : createHash('sha256');
  }

  update(data) {
    this.hash.update(data);
  }

  async digest() {
    return new Uint8Array(this.hash.digest());
  }
}

const signer = new SignatureV4({ service: 'chime', region: 'us-east-1', sha256: Sha256, credentials });

/** Makes a call below /app/v1/ and returns its answer; a refusal is an error with the answer's members. */
export async function app(server, method, path, input) {
  const url = new URL('/app/v1/' + path, server.url);
  const body = input && JSON.stringify(input);
  const request = await signer.sign({
    method, protocol: url.protocol, hostname: url.hostname, path: url.pathname, query: Object.fromEntries(url.searchParams), headers: { host: url.host }, body,
  });
  const response = await fetch(url, { method, headers: request.headers, body });
  const answer = response.status === 204 ? undefined : await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.message), answer);
  return answer;
}
