// The icons, drawn for Carillon on a 24 by 24 grid with round strokes.

const shapes = {
  mic: [
    'M12 3.5a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0v-5a3 3 0 0 0-3-3z',
    'M5.5 11a6.5 6.5 0 0 0 13 0',
    'M12 17.5v3',
    'M9 20.5h6',
  ],
  micOff: [
    'M15 9.5v-3a3 3 0 0 0-5.8-1',
    'M9 9v2.5a3 3 0 0 0 4.6 2.5',
    'M5.5 11a6.5 6.5 0 0 0 10.6 5',
    'M18.5 11a6.4 6.4 0 0 1-.6 2.7',
    'M12 17.5v3',
    'M9 20.5h6',
    'M4 4l16 16',
  ],
  camera: [
    'M4.5 6.5h9a1.5 1.5 0 0 1 1.5 1.5v8a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 3 16V8a1.5 1.5 0 0 1 1.5-1.5z',
    'M15 10.5l4.4-2.7a1 1 0 0 1 1.6.9v6.6a1 1 0 0 1-1.6.9L15 13.5',
  ],
  cameraOff: [
    'M9.5 6.5h4A1.5 1.5 0 0 1 15 8v4',
    'M15 15.5V16a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 3 16V8a1.5 1.5 0 0 1 1-1.4',
    'M15 10.5l4.4-2.7a1 1 0 0 1 1.6.9v6.6a1 1 0 0 1-1 .9',
    'M4 4l16 16',
  ],
  share: [
    'M4.5 4.5h15A1.5 1.5 0 0 1 21 6v9.5a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 15.5V6a1.5 1.5 0 0 1 1.5-1.5z',
    'M8 20.5h8',
    'M12 14V8',
    'M9.2 10.5L12 7.7l2.8 2.8',
  ],
  chat: [
    'M5 4.5h14A1.5 1.5 0 0 1 20.5 6v9a1.5 1.5 0 0 1-1.5 1.5h-7l-4.5 4v-4H5A1.5 1.5 0 0 1 3.5 15V6A1.5 1.5 0 0 1 5 4.5z',
    'M8 9h8',
    'M8 12.2h5',
  ],
  people: [
    'M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z',
    'M2.5 19.5c.4-3.3 3-5.2 6.5-5.2s6.1 1.9 6.5 5.2',
    'M15.5 4.9a3.5 3.5 0 0 1 0 6.3',
    'M17.5 14.7c2.3.6 3.7 2.3 4 4.8',
  ],
  sliders: [
    'M4 7h9',
    'M17 7h3',
    'M15 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
    'M4 17h3',
    'M11 17h9',
    'M9 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
  ],
  leave: [
    'M3.6 14.8c-.9-.9-.9-2.3 0-3.2 4.7-4.2 12.1-4.2 16.8 0 .9.9.9 2.3 0 3.2l-.7.7a1.3 1.3 0 0 1-1.6.2l-2.2-1.3a1.3 1.3 0 0 1-.6-1.4l.3-1.3a12 12 0 0 0-7.2 0l.3 1.3a1.3 1.3 0 0 1-.6 1.4l-2.2 1.3a1.3 1.3 0 0 1-1.6-.2z',
  ],
  link: [
    'M10 13.8a4 4 0 0 0 6 .4l2.8-2.8a4 4 0 0 0-5.7-5.7L11.8 7',
    'M14 10.2a4 4 0 0 0-6-.4l-2.8 2.8a4 4 0 0 0 5.7 5.7l1.3-1.3',
  ],
  copy: [
    'M9.5 8.5h9A1.5 1.5 0 0 1 20 10v9a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 8 19v-9a1.5 1.5 0 0 1 1.5-1.5z',
    'M16 5.5V5a1.5 1.5 0 0 0-1.5-1.5h-9A1.5 1.5 0 0 0 4 5v9a1.5 1.5 0 0 0 1.5 1.5',
  ],
  check: ['M5 12.8l4.5 4.4L19 7.3'],
  cross: ['M6 6l12 12', 'M18 6L6 18'],
  send: ['M4.5 12L3.4 5.2a.7.7 0 0 1 1-.7l15.8 6.9a.7.7 0 0 1 0 1.2L4.4 19.5a.7.7 0 0 1-1-.7z', 'M4.5 12h8'],
  more: [
    'M6 13.2a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4z',
    'M12 13.2a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4z',
    'M18 13.2a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4z',
  ],
  hand: [
    'M8 12V6a1.4 1.4 0 0 1 2.8 0v5',
    'M10.8 10.5V4.4a1.4 1.4 0 0 1 2.8 0v6.1',
    'M13.6 10.8V5.9a1.4 1.4 0 0 1 2.8 0v8.3a6.3 6.3 0 0 1-6.3 6.3c-2.4 0-3.8-1-5-3.1L3.6 13.6a1.4 1.4 0 0 1 2.3-1.6L8 14.5',
  ],
  captions: [
    'M4.5 5.5h15A1.5 1.5 0 0 1 21 7v10a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17V7a1.5 1.5 0 0 1 1.5-1.5z',
    'M10.5 10.6a2.2 2.2 0 1 0 0 2.8',
    'M17 10.6a2.2 2.2 0 1 0 0 2.8',
  ],
  flip: ['M5 9a7.5 7.5 0 0 1 13.6-.6', 'M18.8 4.5v4h-4', 'M19 15a7.5 7.5 0 0 1-13.6.6', 'M5.2 19.5v-4h4'],
  blur: [
    'M12 12.5a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4z',
    'M5.5 20a6.5 6.5 0 0 1 13 0',
    'M3.5 6h.01M3.5 10h.01M3.5 14h.01M7 3.5h.01M17 3.5h.01M20.5 6h.01M20.5 10h.01M20.5 14h.01',
  ],
  full: ['M4.5 9V4.5H9', 'M15 4.5h4.5V9', 'M19.5 15v4.5H15', 'M9 19.5H4.5V15'],
  pin: ['M9 4.5h6l-.7 5.5 2.7 3H7l2.7-3z', 'M12 13v6.5'],
  next: ['M9.5 5.5L16 12l-6.5 6.5'],
  previous: ['M14.5 5.5L8 12l6.5 6.5'],
  play: ['M7.5 5.2v13.6a.6.6 0 0 0 .9.5l11.2-6.8a.6.6 0 0 0 0-1L8.4 4.7a.6.6 0 0 0-.9.5z'],
  download: ['M12 4v11', 'M7.5 10.8L12 15.3l4.5-4.5', 'M4.5 19.5h15'],
  record: ['M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16z', 'M12 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z'],
  back: ['M10.5 5.5L4 12l6.5 6.5', 'M4.5 12H20'],
  search: ['M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13z', 'M15.5 15.5l5 5'],
  key: ['M8 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9z', 'M12.5 12H21', 'M18 12v3.5', 'M15 12v2.5'],
  exit: ['M14 4.5H6A1.5 1.5 0 0 0 4.5 6v12A1.5 1.5 0 0 0 6 19.5h8', 'M10 12h10.5', 'M17 8.5l3.5 3.5-3.5 3.5'],
  dot: ['M12 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z'],
  warning: ['M12 4.2L2.8 19.5a.7.7 0 0 0 .6 1h17.2a.7.7 0 0 0 .6-1z', 'M12 10v4.5', 'M12 17.3v.2'],
  code: ['M8 7l-5 5 5 5', 'M16 7l5 5-5 5', 'M13.5 5l-3 14'],
  speaker: ['M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z', 'M15.5 9a4.2 4.2 0 0 1 0 6', 'M18 6.5a8 8 0 0 1 0 11'],
} as const;

export type IconName = keyof typeof shapes;

const svgNamespace = 'http://www.w3.org/2000/svg';

/** An icon that says nothing to screen readers: its button or neighbour does. */
export function icon(name: IconName, size = 22): SVGSVGElement {
  const svg = svgElement('svg', {
    viewBox: '0 0 24 24',
    width: size,
    height: size,
    'aria-hidden': 'true',
    class: 'icon',
  });
  for (const d of shapes[name]) svg.append(svgElement('path', { d }));
  return svg;
}

export function svgElement<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | number> = {},
): SVGElementTagNameMap[K] {
  const node = document.createElementNS(svgNamespace, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

/** Carillon's bell. */
export function bell(size = 28): SVGSVGElement {
  const svg = svgElement('svg', {
    viewBox: '0 0 32 32',
    width: size,
    height: size,
    'aria-hidden': 'true',
    class: 'bell',
  });
  svg.append(
    svgElement('path', {
      class: 'bell-body',
      d: 'M16 3.5a2 2 0 0 1 2 2v.9c4 1 6.2 4.4 6.2 8.7v4.3l2.4 3.5c.5.8 0 1.9-1 1.9H6.4c-1 0-1.5-1.1-1-1.9l2.4-3.5v-4.3c0-4.3 2.2-7.7 6.2-8.7v-.9a2 2 0 0 1 2-2z',
    }),
    svgElement('circle', { class: 'bell-clapper', cx: 16, cy: 27.3, r: 2.4 }),
  );
  return svg;
}
