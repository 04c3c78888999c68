import { el } from '../ui/dom';

let count = 0;

/** A labelled list of devices; nothing when there is none to choose from. */
export function deviceSelect(
  label: string,
  devices: MediaDeviceInfo[],
  chosen: string,
  choose: (deviceId: string) => void,
): HTMLElement | null {
  if (devices.length === 0) return null;
  const id = `device-${++count}`;
  const select = el('select', { class: 'input', id, on: { change: () => choose(select.value) } });
  devices.forEach((device, i) => {
    select.append(el('option', { value: device.deviceId }, device.label || `${label} ${i + 1}`));
  });
  if (devices.some((device) => device.deviceId === chosen)) select.value = chosen;
  return el('div', { class: 'field' }, el('label', { for: id }, label), select);
}
