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

/** Fetches the SDK in the background once the page has been painted. */
export function loadSdkSoon(): void {
  requestAnimationFrame(() => window.setTimeout(() => void loadSdk().catch(() => undefined), 0));
}
