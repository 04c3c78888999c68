// A queue server that speaks both protocols of SQS, for the tests: its port is
// the first argument, the names of its queues the others.
import { createSqsServer } from 'local-aws-sqs';
const [port, ...names] = process.argv.slice(2);
await createSqsServer({ port: Number(port), hostname: '127.0.0.1', queues: names.map((QueueName) => ({ QueueName })) });
console.log('ready');
