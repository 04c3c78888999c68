import { el } from '../ui/dom';
import type { Capabilities } from './rows';

const levels = [
  ['SendReceive', 'send and receive'],
  ['Send', 'only send'],
  ['Receive', 'only receive'],
  ['None', 'nothing'],
] as const;

/** Three lists to choose capabilities from. */
export function capabilityFields(now: Capabilities): { element: HTMLElement; value(): Capabilities } {
  const list = (label: string, kind: keyof Capabilities) => {
    const select = el('select', { class: 'input', id: `cap-${kind}` });
    for (const [value, text] of levels) select.append(el('option', { value }, text));
    select.value = now[kind];
    return { select, field: el('div', { class: 'field' }, el('label', { for: `cap-${kind}` }, label), select) };
  };
  const audio = list('Audio', 'audio');
  const video = list('Video', 'video');
  const content = list('Content', 'content');
  return {
    element: el('div', { class: 'capabilities' }, audio.field, video.field, content.field),
    value: () => ({ audio: audio.select.value, video: video.select.value, content: content.select.value }),
  };
}
