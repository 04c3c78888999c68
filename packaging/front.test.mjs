// Two people meet through the front of the compose file, on the page of the example.
import { test } from 'node:test';
import { App } from '../examples/app/people.mjs';

test('two people see each other', async () => {
  const app = await App.start();
  try {
    const [ada, bob] = await Promise.all([app.enter('ada'), app.enter('bob')]);
    for (const page of [ada, bob]) await app.pictures(page, 2);
  } finally {
    await app.stop();
  }
});
