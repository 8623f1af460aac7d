// Builds the page into dist/ui, where the program serves it from.
import { defineConfig } from 'vite';

export default defineConfig({
  // Files beside the page: it may be served below a prefix.
  base: './',
  build: { outDir: '../dist/ui', emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 400 },
});
