// Drives the legacy flavour: once through the legacy path, and once through the
// bare endpoint, where the SDK's own User-Agent tells the flavour.
import * as sdk from '@aws-sdk/client-chime';
import { flow } from '../js/flow.mjs';
import { sender } from '../js/v3.mjs';

for (const [label, path] of [['js-v3-chime', '/legacy'], ['js-v3-chime-bare', '']]) {
  const client = new sdk.ChimeClient({ endpoint: process.env.CARILLON_ENDPOINT + path });
  await flow({ label, flavour: 'legacy', call: sender(client, sdk) });
}
