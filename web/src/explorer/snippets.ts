// The same call as other clients make it.

import { type Call, endpoint } from './call';
import { goCurrent, goLegacy } from './gosnippet';

export interface Snippet {
  title: string;
  note: string;
  code: string;
}

export function snippets(call: Call): Snippet[] {
  const legacy = call.flavour === 'legacy';
  return [
    { title: 'AWS CLI', note: legacy ? 'The legacy commands are in AWS CLI 1 up to 1.38.1.' : '', code: cli(call) },
    { title: 'Python', note: legacy ? 'The legacy operations are in botocore up to 1.37.1.' : '', code: python(call) },
    {
      title: 'Go',
      note: legacy ? 'The legacy operations are in version 1 of the AWS SDK for Go.' : goNote(call),
      code: legacy ? goLegacy(call) : goCurrent(call),
    },
  ];
}

function goNote(call: Call): string {
  return 'MediaPlacementNetworkType' in call.input
    ? 'The AWS SDK for Go has no MediaPlacementNetworkType, so it is left out.'
    : '';
}

/** CreateMeeting → create, meeting. Digits and runs of capitals do not occur. */
function words(name: string): string[] {
  return (name.match(/[A-Z][a-z]*/g) ?? []).map((word) => word.toLowerCase());
}

function cli(call: Call): string {
  const service = call.flavour === 'legacy' ? 'chime' : 'chime-sdk-meetings';
  const lines = [
    `aws ${service} ${words(call.operation.name).join('-')}`,
    `--endpoint-url ${endpoint(call)}`,
    `--region ${call.region}`,
  ];
  if (Object.keys(call.input).length)
    lines.push(`--cli-input-json ${shellQuoted(JSON.stringify(call.input, null, 2))}`);
  return lines.join(' \\\n  ');
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}

function python(call: Call): string {
  const service = call.flavour === 'legacy' ? 'chime' : 'chime-sdk-meetings';
  const members = Object.entries(call.input).map(([name, value]) => `    ${name}=${pythonLiteral(value, '    ')},\n`);
  return `import boto3

client = boto3.client(
    "${service}",
    endpoint_url="${endpoint(call)}",
    region_name="${call.region}",
)
answer = client.${words(call.operation.name).join('_')}(${members.length ? `\n${members.join('')}` : ''})
print(answer)`;
}

function pythonLiteral(value: unknown, indent: string): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  const inner = `${indent}    `;
  const items = Array.isArray(value)
    ? value.map((item) => pythonLiteral(item, inner))
    : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${pythonLiteral(item, inner)}`);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  return items.length
    ? `${open}\n${items.map((item) => `${inner}${item},\n`).join('')}${indent}${close}`
    : open + close;
}
