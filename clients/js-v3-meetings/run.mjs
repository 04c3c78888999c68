// Drives the current flavour as a stock program would: the endpoint comes from
// the environment (AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS), as do the keys.
import * as sdk from '@aws-sdk/client-chime-sdk-meetings';
import { flow } from '../js/flow.mjs';
import { sender } from '../js/v3.mjs';

const client = new sdk.ChimeSDKMeetingsClient({});
await flow({ label: 'js-v3-meetings', flavour: 'meetings', call: sender(client, sdk) });
