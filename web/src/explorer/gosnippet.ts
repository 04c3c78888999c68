// Calls in Go, with the types that the AWS SDKs for Go give each member.

import { type Call, endpoint } from './call';

/** A Go type: how a JSON value of that type is written. */
type Shape =
  | { kind: 'string' | 'bool' | 'int' }
  | { kind: 'enum'; type: string }
  | { kind: 'list'; of: Shape }
  | { kind: 'struct'; type: string; members: Record<string, Shape> };

const string: Shape = { kind: 'string' };
const int: Shape = { kind: 'int' };
const bool: Shape = { kind: 'bool' };
const enumOf = (type: string): Shape => ({ kind: 'enum', type });
const listOf = (of: Shape): Shape => ({ kind: 'list', of });
const structOf = (type: string, members: Record<string, Shape>): Shape => ({ kind: 'struct', type, members });

const access = enumOf('MediaCapabilities');
const capabilities = structOf('AttendeeCapabilities', { Audio: access, Video: access, Content: access });
const tags = listOf(structOf('Tag', { Key: string, Value: string }));
const notifications = { LambdaFunctionArn: string, SnsTopicArn: string, SqsQueueArn: string };

/** The types of members that are more than a string, by their names. */
const shapes: Record<string, Shape> = {
  Attendees: listOf(
    structOf('CreateAttendeeRequestItem', { ExternalUserId: string, Capabilities: capabilities, Tags: tags }),
  ),
  Capabilities: capabilities,
  ExcludedAttendeeIds: listOf(structOf('AttendeeIdItem', { AttendeeId: string })),
  MaxResults: int,
  MeetingFeatures: structOf('MeetingFeaturesConfiguration', {
    Audio: structOf('AudioFeatures', { EchoReduction: enumOf('MeetingFeatureStatus') }),
    Video: structOf('VideoFeatures', { MaxResolution: enumOf('VideoResolution') }),
    Content: structOf('ContentFeatures', { MaxResolution: enumOf('ContentResolution') }),
    Attendee: structOf('AttendeeFeatures', { MaxCount: int }),
  }),
  NotificationsConfiguration: structOf('NotificationsConfiguration', notifications),
  TagKeys: listOf(string),
  Tags: tags,
  TenantIds: listOf(string),
  TranscriptionConfiguration: structOf('TranscriptionConfiguration', {
    EngineTranscribeSettings: structOf('EngineTranscribeSettings', {
      LanguageCode: enumOf('TranscribeLanguageCode'),
      PreferredLanguage: enumOf('TranscribeLanguageCode'),
      VocabularyFilterMethod: enumOf('TranscribeVocabularyFilterMethod'),
      Region: enumOf('TranscribeRegion'),
      PartialResultsStability: enumOf('TranscribePartialResultsStability'),
      ContentIdentificationType: enumOf('TranscribeContentIdentificationType'),
      ContentRedactionType: enumOf('TranscribeContentRedactionType'),
      EnablePartialResultsStabilization: bool,
      IdentifyLanguage: bool,
    }),
    EngineTranscribeMedicalSettings: structOf('EngineTranscribeMedicalSettings', {
      LanguageCode: enumOf('TranscribeMedicalLanguageCode'),
      Specialty: enumOf('TranscribeMedicalSpecialty'),
      Type: enumOf('TranscribeMedicalType'),
      Region: enumOf('TranscribeMedicalRegion'),
      ContentIdentificationType: enumOf('TranscribeMedicalContentIdentificationType'),
    }),
  }),
};

/** How the two SDKs write the same thing. */
interface Dialect {
  string(quoted: string): string;
  int(n: string): string;
  enum(type: string, quoted: string): string;
  struct(type: string): string;
  /** The type of a list's elements. */
  element(of: Shape): string;
}

const current: Dialect = {
  string: (quoted) => `aws.String(${quoted})`,
  int: (n) => `aws.Int32(${n})`,
  enum: (type, quoted) => `types.${type}(${quoted})`,
  struct: (type) => `types.${type}`,
  element: (of) => (of.kind === 'struct' ? `types.${of.type}` : 'string'),
};

const legacy: Dialect = {
  string: (quoted) => `aws.String(${quoted})`,
  int: (n) => `aws.Int64(${n})`,
  enum: (_, quoted) => `aws.String(${quoted})`,
  struct: (type) => `chime.${type === 'NotificationsConfiguration' ? 'MeetingNotificationConfiguration' : type}`,
  element: (of) => (of.kind === 'struct' ? `*chime.${of.type}` : '*string'),
};

function literal(value: unknown, shape: Shape, dialect: Dialect, indent: string): string {
  const quoted = JSON.stringify(String(value));
  switch (shape.kind) {
    case 'string':
      return dialect.string(quoted);
    case 'int':
      return dialect.int(String(Number(value)));
    case 'bool':
      return `aws.Bool(${value === true})`;
    case 'enum':
      return dialect.enum(shape.type, quoted);
    case 'list':
      return list(value, shape.of, dialect, indent);
    case 'struct':
      return `&${dialect.struct(shape.type)}${members(value, shape.members, dialect, indent)}`;
  }
}

function list(value: unknown, of: Shape, dialect: Dialect, indent: string): string {
  const items = Array.isArray(value) ? value : [];
  const element = dialect.element(of);
  const inner = `${indent}\t`;
  const lines = items.map((item: unknown) => {
    if (of.kind === 'struct') return `${inner}${members(item, of.members, dialect, inner)},\n`;
    return `${inner}${element === 'string' ? JSON.stringify(String(item)) : literal(item, of, dialect, inner)},\n`;
  });
  return `[]${element}{${lines.length ? `\n${lines.join('')}${indent}` : ''}}`;
}

function members(value: unknown, known: Record<string, Shape>, dialect: Dialect, indent: string): string {
  const inner = `${indent}\t`;
  const entries = Object.entries((value ?? {}) as Record<string, unknown>);
  const lines = entries.map(
    ([name, item]) => `${inner}${name}: ${literal(item, known[name] ?? string, dialect, inner)},\n`,
  );
  return lines.length ? `{\n${lines.join('')}${indent}}` : '{}';
}

/** Members that the API takes and the AWS SDK for Go does not have. */
const missing = ['MediaPlacementNetworkType'];

/** The call with aws-sdk-go-v2. */
export function goCurrent(call: Call): string {
  const known = Object.entries(call.input).filter(([name]) => !missing.includes(name));
  const input = members(Object.fromEntries(known), shapes, current, '\t');
  const imports = [
    '"context"',
    '"fmt"',
    '"log"',
    '',
    '"github.com/aws/aws-sdk-go-v2/aws"',
    '"github.com/aws/aws-sdk-go-v2/config"',
    '"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"',
    ...(input.includes('types.') ? ['"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"'] : []),
  ];
  return `package main

import (
${imports.map((line) => (line ? `\t${line}` : '')).join('\n')}
)

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion("${call.region}"))
	if err != nil {
		log.Fatal(err)
	}
	client := chimesdkmeetings.NewFromConfig(cfg, func(o *chimesdkmeetings.Options) {
		o.BaseEndpoint = aws.String("${endpoint(call)}")
	})
	answer, err := client.${call.operation.name}(ctx, &chimesdkmeetings.${call.operation.name}Input${input})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%+v\\n", answer)
}`;
}

/** The call with version 1 of the AWS SDK for Go. */
export function goLegacy(call: Call): string {
  const input = members(call.input, shapes, legacy, '\t');
  return `package main

import (
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/chime"
)

func main() {
	client := chime.New(session.Must(session.NewSession()), &aws.Config{
		Endpoint: aws.String("${endpoint(call)}"),
		Region:   aws.String("${call.region}"),
	})
	answer, err := client.${call.operation.name}(&chime.${call.operation.name}Input${input})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer)
}`;
}
