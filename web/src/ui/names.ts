// Names travel inside the attendee's ExternalUserId, which the demo backend
// makes: a prefix, then '#' and the name, or '=' and the name in base64url.

/** What the ExternalUserId of an attendee begins with that stands for a recording. */
const recorderPrefix = 'aws:MediaPipeline-';

/** Whether an ExternalUserId is that of a recording and not of a person. */
export function isRecorder(externalUserId: string): boolean {
  return externalUserId.startsWith(recorderPrefix);
}

const contentSuffix = '#content';

/** Whether an attendee id belongs to a content share and not to a person. */
export function isContent(attendeeId: string): boolean {
  return attendeeId.endsWith(contentSuffix);
}

/** The person behind an attendee id, which for a content share is the sharer. */
export function personOf(attendeeId: string): string {
  return isContent(attendeeId) ? attendeeId.slice(0, -contentSuffix.length) : attendeeId;
}

/** The name to show for an ExternalUserId; ids of other backends are shown as they are. */
export function nameOf(externalUserId: string): string {
  if (isRecorder(externalUserId)) return 'Recording';
  const id = externalUserId.endsWith(contentSuffix) ? externalUserId.slice(0, -contentSuffix.length) : externalUserId;
  const match = /^[0-9a-f]{12}([#=])(.+)$/s.exec(id);
  if (!match) return id;
  const [, kind, rest = ''] = match;
  return kind === '#' ? rest : (decode(rest) ?? id);
}

function decode(base64url: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(base64url.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Compares names as people order them: guest-2 before guest-10. */
export const compareNames = new Intl.Collator(undefined, { numeric: true }).compare;

/** One or two letters that stand for a name on a tile without video. */
export function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  const first = [...(words[0] ?? '?')][0] ?? '?';
  const last = words.length > 1 ? ([...(words.at(-1) ?? '')][0] ?? '') : '';
  return (first + last).toLocaleUpperCase();
}

/** A number from 0 to 5 that is always the same for the same id: its tile's colour. */
export function colourOf(attendeeId: string): number {
  let sum = 0;
  for (const c of attendeeId) sum = (sum * 31 + c.charCodeAt(0)) >>> 0;
  return sum % 6;
}
