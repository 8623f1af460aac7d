// Builds the page into dist/ui, where the program serves it from.
import { defineConfig } from 'vite';

export default defineConfig({
  build: { outDir: '../dist/ui', emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 400 },
});
