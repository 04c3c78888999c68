// What the page under test sends, sound and pictures that are made here so that
// a test can tell whose they are, and what it hears.

export const audioContext = new AudioContext({ sampleRate: 48000 });

/** A MediaStream with a steady tone. */
export function toneStream(hertz, volume = 0.3) {
  const oscillator = audioContext.createOscillator();
  const gain = audioContext.createGain();
  const destination = audioContext.createMediaStreamDestination();
  oscillator.frequency.value = hertz;
  gain.gain.value = volume;
  oscillator.connect(gain).connect(destination);
  oscillator.start();
  return { stream: destination.stream, setGain: v => (gain.gain.value = v) };
}

/** A MediaStream with a steady tone in each of two channels. */
export function stereoStream(left, right) {
  const merger = audioContext.createChannelMerger(2);
  const destination = audioContext.createMediaStreamDestination();
  [left, right].forEach((hertz, channel) => {
    const oscillator = audioContext.createOscillator();
    const gain = audioContext.createGain();
    oscillator.frequency.value = hertz;
    gain.gain.value = 0.3;
    oscillator.connect(gain).connect(merger, 0, channel);
    oscillator.start();
  });
  merger.connect(destination);
  return destination.stream;
}

/** Level in dB of each frequency at an analyser; silence is -Infinity, which JSON has not. */
export function levels(analyser, frequencies) {
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  const width = audioContext.sampleRate / analyser.fftSize;
  return frequencies.map(f => {
    const center = Math.round(f / width);
    return Math.max(-200, ...bins.slice(center - 3, center + 4));
  });
}

export function newAnalyser() {
  const analyser = audioContext.createAnalyser();
  analyser.fftSize = 16384;
  analyser.smoothingTimeConstant = 0;
  return analyser;
}

/** A MediaStream with a moving picture; a restless one takes all the bandwidth that the encoder may have. */
export function pictureStream(width, height, framesPerSecond, hue, restless = false) {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext('2d');
  let n = 0;
  const draw = () => {
    n += 1;
    pen.fillStyle = `hsl(${hue} 60% 40%)`;
    pen.fillRect(0, 0, width, height);
    for (let i = 0; restless && i < 600; i++) {
      pen.fillStyle = `hsl(${(i * 47 + n * 13) % 360} 80% 50%)`;
      pen.fillRect(Math.random() * width, Math.random() * height, width / 24, height / 24);
    }
    pen.fillStyle = 'white';
    pen.fillRect((n * 7) % width, (n * 5) % height, width / 6, height / 6);
    pen.fillText(String(n), 20, 40);
  };
  draw();
  setInterval(draw, 1000 / framesPerSecond);
  return canvas.captureStream(framesPerSecond);
}

/** A MediaStream that clicks and flashes at the same moment, every second. */
export function clapperStream(width, height, framesPerSecond) {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext('2d');
  const oscillator = audioContext.createOscillator();
  const gain = audioContext.createGain();
  const destination = audioContext.createMediaStreamDestination();
  oscillator.frequency.value = 1000;
  gain.gain.value = 0.05; // heard all the time, as somebody who speaks
  oscillator.connect(gain).connect(destination);
  oscillator.start();
  let n = 0;
  const begun = performance.now();
  let shown = false;
  setInterval(() => {
    const lit = (performance.now() - begun) % 1000 < 200;
    if (lit !== shown) gain.gain.setValueAtTime(lit ? 0.5 : 0.05, audioContext.currentTime);
    shown = lit;
    pen.fillStyle = lit ? 'white' : 'black';
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = 'gray';
    pen.fillRect((n++ * 7) % width, height - 20, 20, 20);
  }, 1000 / framesPerSecond);
  const stream = canvas.captureStream(framesPerSecond);
  return { sound: destination.stream, picture: stream };
}
