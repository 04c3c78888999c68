// One script beside the page, as ../app/backend.mjs serves it.
import { defineConfig } from 'vite';

export default defineConfig({
  define: { global: 'window' }, // amazon-chime-sdk-js expects what Node.js calls it
  build: { chunkSizeWarningLimit: 4000, rolldownOptions: { output: { entryFileNames: 'bundle.js', codeSplitting: false } } },
});
