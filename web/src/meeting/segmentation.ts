// Finds the person in a picture: MediaPipe's selfie segmentation, whose program
// and model the server has, and which are fetched when somebody wants them.

/** What is used of the package's class: it is a plain script that leaves its class with the window. */
export interface Segmentation {
  setOptions(options: { modelSelection: 0 | 1; selfieMode: boolean; useCpuInference: boolean }): void;
  initialize(): Promise<void>;
  onResults(listener: (results: { segmentationMask: CanvasImageSource }) => void): void;
  send(input: { image: HTMLCanvasElement }): Promise<void>;
  close(): Promise<void>;
}

type SegmentationClass = new (config: { locateFile(name: string): string }) => Segmentation;

/** Where the files are; the build knows (vite.config.mjs). */
declare const __SEGMENTATION__: string;

/** The smallest module with an instruction for many numbers at a time: the package's program is full of them. */
const many = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 65, 0, 253, 15, 26, 11];

/** Whether this browser can run it: WebAssembly with SIMD, and WebGL 2. */
export function canSegment(): boolean {
  // The build leaves WebAssembly out for everybody else: see vite.config.mjs.
  const wasm = Reflect.get(globalThis, 'WebAssembly') as { validate(bytes: Uint8Array): boolean } | undefined;
  if (!wasm?.validate(new Uint8Array(many))) return false;
  const context = document.createElement('canvas').getContext('webgl2');
  context?.getExtension('WEBGL_lose_context')?.loseContext(); // browsers have few
  return context !== null;
}

let script: Promise<void> | undefined;

function load(): Promise<void> {
  script ??= new Promise<void>((done, fail) => {
    const tag = document.createElement('script');
    tag.src = `${__SEGMENTATION__}selfie_segmentation.js`;
    tag.onload = () => done();
    tag.onerror = () => {
      script = undefined;
      tag.remove();
      fail(new Error('the program was not fetched'));
    };
    document.head.append(tag);
  });
  return script;
}

/** Fetches what there is to fetch, about 2 MB the first time, and gets it ready. */
export async function openSegmentation(): Promise<Segmentation> {
  await load();
  const Class = Reflect.get(window, 'SelfieSegmentation') as SegmentationClass;
  const segmentation = new Class({ locateFile: (name) => __SEGMENTATION__ + name });
  // Model 1 is the small one, for wide pictures. A processor does it in a few ms;
  // a graphics card would have to compile it first, and not everybody has one.
  segmentation.setOptions({ modelSelection: 1, selfieMode: false, useCpuInference: true });
  await segmentation.initialize();
  return segmentation;
}
