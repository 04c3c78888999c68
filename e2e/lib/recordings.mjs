// Records meetings through boto3, as a customer's backend would, and looks at
// what was recorded with ffmpeg.
import { execFile } from 'node:child_process';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { credentials } from './server.mjs';
import { waitFor } from './wait.mjs';

const run = promisify(execFile);

/** Makes one call of chime-sdk-media-pipelines and returns its answer. */
export async function pipelines(server, operation, input = {}) {
  const script = `
import boto3, json, sys
client = boto3.client("chime-sdk-media-pipelines", endpoint_url=sys.argv[1], region_name="us-east-1")
out = getattr(client, sys.argv[2])(**json.loads(sys.argv[3]))
out.pop("ResponseMetadata")
print(json.dumps(out, default=str))`;
  const env = { ...process.env, AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey };
  const { stdout } = await run('/usr/bin/python3', ['-c', script, server.url, operation, JSON.stringify(input)], { env });
  return JSON.parse(stdout);
}

/** Begins to record a meeting below bucket/prefix. */
export async function record(server, meetingId, { audio = 'AudioWithActiveSpeakerVideo', video = 'Enabled', content = 'Enabled' } = {}) {
  const { MediaCapturePipeline } = await pipelines(server, 'create_media_capture_pipeline', {
    SourceType: 'ChimeSdkMeeting', SourceArn: `arn:aws:chime::000000000000:meeting:${meetingId}`, SinkType: 'S3Bucket', SinkArn: 'arn:aws:s3:::bucket/prefix',
    ChimeSdkMeetingConfiguration: { ArtifactsConfiguration: { Audio: { MuxType: audio }, Video: { State: video }, Content: { State: content } } },
  });
  return MediaCapturePipeline;
}

/** Waits until a pipeline has stopped. */
export async function stopped(server, id) {
  await waitFor(`pipeline ${id} to stop`, async () => {
    const { MediaPipeline } = await pipelines(server, 'get_media_pipeline', { MediaPipelineId: id });
    return Object.values(MediaPipeline)[0].Status === 'Stopped';
  });
}

/** Joins everything of a capture below bucket/joined and waits for it. */
export async function joinUp(server, arn) {
  const on = { State: 'Enabled' };
  const artifacts = Object.fromEntries(['Audio', 'Video', 'Content', 'DataChannel', 'TranscriptionMessages', 'MeetingEvents', 'CompositedVideo'].map(n => [n, on]));
  const { MediaConcatenationPipeline: made } = await pipelines(server, 'create_media_concatenation_pipeline', {
    Sources: [{ Type: 'MediaCapturePipeline', MediaCapturePipelineSourceConfiguration: { MediaPipelineArn: arn, ChimeSdkMeetingConfiguration: { ArtifactsConfiguration: artifacts } } }],
    Sinks: [{ Type: 'S3Bucket', S3BucketSinkConfiguration: { Destination: 'arn:aws:s3:::bucket/joined' } }],
  });
  await stopped(server, made.MediaPipelineId);
  return made.MediaPipelineId;
}

/** The paths of the files in a directory, sorted. */
export async function files(directory) {
  return (await readdir(directory)).sort().map(name => join(directory, name));
}

/** What ffprobe says of a file. */
export async function probe(path) {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-count_packets', '-show_streams', '-show_format', '-of', 'json', path]);
  const { streams, format } = JSON.parse(stdout);
  return { codecs: streams.map(s => s.codec_name), seconds: Number(format.duration), streams };
}

/** Decodes a file and fails if anything is wrong with it. */
export async function decodes(path) {
  const { stderr } = await run('ffmpeg', ['-v', 'error', '-i', path, '-fps_mode', 'vfr', '-f', 'null', '-']);
  if (stderr) throw new Error(`${path}: ${stderr}`);
}

/** Joins files as ffmpeg does without decoding them. */
export async function concatenates(list, out) {
  await writeFile(`${out}.txt`, list.map(path => `file '${path}'\n`).join(''));
  const { stderr } = await run('ffmpeg', ['-v', 'error', '-y', '-f', 'concat', '-safe', '0', '-i', `${out}.txt`, '-c', 'copy', out]);
  if (stderr) throw new Error(stderr);
}

/** When a piece begins, in seconds, as its name says. */
export function beginning(path) {
  const [, day, hour, minute, second, milli] = /(\d{4}-\d\d-\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d{3})[^/]*$/.exec(path);
  return Date.parse(`${day}T${hour}:${minute}:${second}.${milli}Z`) / 1000;
}

/** How long a recording was, in seconds, as its first and its last event say. */
export async function recorded(directory) {
  const texts = await Promise.all((await files(directory)).map(path => readFile(path, 'utf8')));
  const events = texts.join('').trim().split('\n').map(line => JSON.parse(line));
  const [first, last] = [events[0], events.at(-1)];
  if (first.EventType !== 'CaptureStarted' || last.EventType !== 'CaptureEnded') throw new Error(`events from ${first.EventType} to ${last.EventType}`);
  return (Date.parse(last.Timestamp) - Date.parse(first.Timestamp)) / 1000;
}

/** The sound of a file from its beginning, at 8000 samples a second. */
async function decoded(path, filter) {
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-copyts', '-i', path, '-map', '0:a', '-af', `aresample=async=1:first_pts=0${filter}`, '-ac', '1', '-ar', '8000', '-f', 's16le', '-'],
    { encoding: 'buffer', maxBuffer: 1 << 28 });
  return new Int16Array(stdout.buffer, stdout.byteOffset, stdout.length >> 1);
}

/** When a file clicks, in seconds. */
export async function clicks(path) {
  const samples = await decoded(path, '');
  return onsets(samples.length / 40, i => Math.max(...samples.subarray(i * 40, (i + 1) * 40).map(Math.abs)) > 4000, 0.005);
}

/** The mean level of a tone in a file, in dB below full scale. */
export async function level(path, hertz) {
  const samples = await decoded(path, `,bandpass=f=${hertz}:width_type=h:w=20`);
  return 10 * Math.log10(samples.reduce((sum, v) => sum + v * v, 1) / samples.length) - 20 * Math.log10(32768);
}

/** When a file flashes, in seconds. */
export async function flashes(path) {
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-copyts', '-i', path, '-map', '0:v', '-vf', 'fps=200:start_time=0,scale=1:1,format=gray', '-f', 'rawvideo', '-'],
    { encoding: 'buffer', maxBuffer: 1 << 28 });
  return onsets(stdout.length, i => stdout[i] > 128, 0.005);
}

/** By how many seconds each flash comes after the click that is nearest to it, sorted by how far they are apart. */
export function apart(clicked, flashed) {
  const nearest = at => clicked.reduce((best, c) => (Math.abs(at - c) < Math.abs(at - best) ? c : best), Infinity);
  return flashed.map(at => at - nearest(at)).sort((a, b) => Math.abs(a) - Math.abs(b));
}

/** The beginnings of what lasts, after half a second without; not of what was there at first, whose beginning nobody knows. */
function onsets(n, on, step) {
  const found = [];
  let last = 0;
  for (let i = 0; i < n; i++) {
    if (!on(i)) continue;
    if (i * step - last > 0.5) found.push(i * step);
    last = i * step;
  }
  return found;
}
