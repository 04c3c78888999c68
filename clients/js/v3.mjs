// sender adapts a client of the AWS SDK for JavaScript v3 to flow.mjs.
export function sender(client, sdk) {
  return async (operation, input) => {
    try {
      const output = await client.send(new sdk[`${operation}Command`](input));
      const { httpStatusCode: status, requestId } = output.$metadata;
      return { status, requestId, output };
    } catch (error) {
      if (!error.$metadata) throw error;
      throw { name: error.name, status: error.$metadata.httpStatusCode, requestId: error.$metadata.requestId, message: error.message };
    }
  };
}
