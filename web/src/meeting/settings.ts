import { el } from '../ui/dom';
import type { Call } from './call';
import { listDevices } from './devices';
import { deviceSelect } from './deviceselect';

/** Opens the dialog in which devices are changed during a meeting. */
export function openSettings(
  call: Call,
  speaker: HTMLAudioElement,
  fail: (error: unknown, what: string) => void,
): void {
  const volume = el('input', {
    type: 'range',
    id: 'speaker-volume',
    min: 0,
    max: 100,
    value: Math.round(speaker.volume * 100),
    on: {
      input: () => {
        speaker.volume = Number(volume.value) / 100;
      },
    },
  });
  const choices = el('div', { class: 'device-selects' });
  const dialog = el(
    'dialog',
    { 'aria-labelledby': 'settings-title' },
    el('h2', { id: 'settings-title' }, 'Devices'),
    choices,
    el('div', { class: 'field' }, el('label', { for: 'speaker-volume' }, 'How loud you hear the others'), volume),
    el('form', { method: 'dialog', class: 'buttons' }, el('button', { class: 'button main', type: 'submit' }, 'Done')),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();

  const use = (change: Promise<void>, what: string) => void change.catch((error: unknown) => fail(error, what));
  void listDevices().then((found) => {
    const chosen = call.chosen;
    const selects = [
      deviceSelect('Microphone', found.microphones, chosen.microphone, (id) =>
        use(call.useMicrophone(id), 'microphone'),
      ),
      deviceSelect('Camera', found.cameras, chosen.camera, (id) => use(call.useCamera(id), 'camera')),
      deviceSelect('Speaker', found.speakers, chosen.speaker, (id) => use(call.useSpeaker(id), 'speaker')),
    ];
    choices.append(...selects.filter((select) => select !== null));
  });
}
