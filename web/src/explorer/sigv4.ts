// AWS Signature Version 4 with the browser's own cryptography. Keys stay in
// memory and go nowhere but into these functions.

export interface Credentials {
  accessKey: string;
  secretKey: string;
  sessionToken: string;
  region: string;
}

export interface Unsigned {
  method: string;
  host: string;
  /** The path as it goes over the wire: percent-encoded once. */
  path: string;
  query: [string, string][];
  /** Undefined for none. */
  body: string | undefined;
}

export interface Signed {
  /** Path and query as sent. */
  target: string;
  /** What the page has to set; the browser adds Host itself. */
  headers: Record<string, string>;
  /** For looking at, when a signature is refused. */
  canonical: string;
  stringToSign: string;
}

const service = 'chime';
const encoder = new TextEncoder();

/** Signs a request at a moment. */
export async function sign(request: Unsigned, credentials: Credentials, at: Date): Promise<Signed> {
  const stamp = at.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const headers: Record<string, string> = { host: request.host, 'x-amz-date': stamp };
  if (request.body !== undefined) headers['content-type'] = 'application/json';
  if (credentials.sessionToken) headers['x-amz-security-token'] = credentials.sessionToken;

  const names = Object.keys(headers).sort();
  const query = canonicalQuery(request.query);
  const canonical = [
    request.method,
    request.path.split('/').map(encode).join('/'), // encoded a second time, as all services but S3 want it
    query,
    ...names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    hex(await hash(request.body ?? '')),
  ].join('\n');

  const scope = `${stamp.slice(0, 8)}/${credentials.region}/${service}/aws4_request`;
  const stringToSign = ['AWS4-HMAC-SHA256', stamp, scope, hex(await hash(canonical))].join('\n');
  const signature = hex(await mac(await signingKey(credentials, stamp.slice(0, 8)), stringToSign));
  const { host: _, ...sent } = headers;
  sent.authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKey}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { target: request.path + (query ? `?${query}` : ''), headers: sent, canonical, stringToSign };
}

/** Percent-encodes everything but unreserved characters. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function canonicalQuery(query: [string, string][]): string {
  return query
    .map(([name, value]): [string, string] => [encode(name), encode(value)])
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

async function signingKey(credentials: Credentials, date: string): Promise<ArrayBuffer> {
  let key: BufferSource = encoder.encode(`AWS4${credentials.secretKey}`);
  for (const part of [date, credentials.region, service, 'aws4_request']) key = await mac(key, part);
  return key as ArrayBuffer;
}

async function mac(key: BufferSource, message: string): Promise<ArrayBuffer> {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return crypto.subtle.sign('HMAC', imported, encoder.encode(message));
}

function hash(message: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest('SHA-256', encoder.encode(message));
}

function hex(bytes: ArrayBuffer): string {
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
