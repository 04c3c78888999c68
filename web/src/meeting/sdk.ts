// The one door to the meeting SDK. It is a large library, so it is fetched
// after the first paint and shared by everybody who asks.

export type Sdk = typeof import('amazon-chime-sdk-js');

let loading: Promise<Sdk> | undefined;

/** Fetches the SDK once. A failed fetch is tried again on the next call. */
export function loadSdk(): Promise<Sdk> {
  loading ??= import('amazon-chime-sdk-js').catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

/** How long to wait for a first paint that the browser does not tell of, in ms. */
const paintPatience = 3000;

/** Fetches the SDK in the background once the page has been painted. */
export function loadSdkSoon(): void {
  const fetchNow = () => void loadSdk().catch(() => undefined);
  const timer = window.setTimeout(fetchNow, paintPatience); // hidden tabs are not painted
  new PerformanceObserver((list, observer) => {
    if (list.getEntriesByName('first-contentful-paint').length === 0) return;
    observer.disconnect();
    window.clearTimeout(timer);
    fetchNow();
  }).observe({ type: 'paint', buffered: true });
}
