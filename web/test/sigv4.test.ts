import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { encode, sign, type Unsigned } from '../src/explorer/sigv4';

const credentials = {
  accessKey: 'AKIDEXAMPLE',
  secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: '',
  region: 'us-east-1',
};
const at = new Date(Date.UTC(2015, 7, 30, 12, 36, 0, 250));
const empty = createHash('sha256').update('').digest('hex');

const get = (more: Partial<Unsigned> = {}): Unsigned => ({
  method: 'GET',
  host: 'example.amazonaws.com',
  path: '/meetings',
  query: [],
  body: undefined,
  ...more,
});

/** The signature of a string, made by Node's cryptography from the description of Signature Version 4. */
function signature(stringToSign: string): string {
  const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const key = ['20150830', 'us-east-1', 'chime', 'aws4_request'].reduce<string | Buffer>(
    mac,
    `AWS4${credentials.secretKey}`,
  );
  return mac(key, stringToSign).toString('hex');
}

test('the canonical request, the string to sign and the headers of a plain call', async () => {
  const signed = await sign(get(), credentials, at);
  const canonical = `GET\n/meetings\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n${empty}`;
  assert.equal(signed.canonical, canonical);
  const digest = createHash('sha256').update(canonical).digest('hex');
  const toSign = `AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/chime/aws4_request\n${digest}`;
  assert.equal(signed.stringToSign, toSign);
  assert.deepEqual(signed.headers, {
    'x-amz-date': '20150830T123600Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/chime/aws4_request, ' +
      `SignedHeaders=host;x-amz-date, Signature=${signature(toSign)}`,
  });
  assert.equal(signed.target, '/meetings');
});

test('the query is sorted and encoded, on the wire as in the signature', async () => {
  const query: [string, string][] = [
    ['next-token', 'a/b=='],
    ['max-results', '10'],
    ['arn', 'b'],
    ['arn', 'a b'],
  ];
  const signed = await sign(get({ query }), credentials, at);
  const line = 'arn=a%20b&arn=b&max-results=10&next-token=a%2Fb%3D%3D';
  assert.equal(signed.target, `/meetings?${line}`);
  assert.equal(signed.canonical.split('\n')[2], line);
});

test('an encoded path is encoded once more in the signature only', async () => {
  const signed = await sign(get({ path: '/meetings/a%2Fb' }), credentials, at);
  assert.equal(signed.target, '/meetings/a%2Fb');
  assert.equal(signed.canonical.split('\n')[1], '/meetings/a%252Fb');
});

test('a body and a session token are signed', async () => {
  const body = '{"ClientRequestToken":"töken"}';
  const signed = await sign(get({ method: 'POST', body }), { ...credentials, sessionToken: 'session' }, at);
  assert.match(signed.headers.authorization ?? '', /SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,/);
  assert.equal(signed.headers['content-type'], 'application/json');
  assert.equal(signed.headers['x-amz-security-token'], 'session');
  assert.equal(signed.canonical.split('\n').at(-1), createHash('sha256').update(body).digest('hex'));
});

test('everything but unreserved characters is encoded', () => {
  assert.equal(encode('AZaz09-_.~'), 'AZaz09-_.~');
  assert.equal(encode("!'()*"), '%21%27%28%29%2A');
  assert.equal(encode('a b/ü'), 'a%20b%2F%C3%BC');
});
