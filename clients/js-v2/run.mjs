// Drives both flavours through the AWS SDK for JavaScript v2, the legacy one
// the way its guides told: with an endpoint that ends in /console.
import AWS from 'aws-sdk';
import { flow } from '../js/flow.mjs';

const region = 'us-east-1';
const endpoint = process.env.CARILLON_ENDPOINT;

const legacy = new AWS.Chime({ region });
legacy.endpoint = new AWS.Endpoint(`${endpoint}/console`);
const meetings = new AWS.ChimeSDKMeetings({ region, endpoint });

// sender adapts a client to flow.mjs. This SDK reads the error's name from the
// body, which has the API's short code; the exception's name is in a header.
function sender(client) {
  return async (operation, input) => {
    const request = client[operation[0].toLowerCase() + operation.slice(1)](input);
    const wire = () => request.response.httpResponse;
    try {
      const output = await request.promise();
      return { status: wire().statusCode, requestId: request.response.requestId, output };
    } catch (error) {
      if (!error.statusCode) throw error;
      const name = wire().headers['x-amzn-errortype'];
      if (error.code !== JSON.parse(wire().body).Code) throw new Error(`code ${error.code} for ${name}`);
      throw { name, status: error.statusCode, requestId: error.requestId, message: error.message };
    }
  };
}

await flow({ label: 'js-v2-meetings', flavour: 'meetings', call: sender(meetings) });
await flow({ label: 'js-v2-chime', flavour: 'legacy', call: sender(legacy) });
