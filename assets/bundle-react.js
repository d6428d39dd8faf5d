/**
 * React publishes CommonJS only: this writes one ES module of it to the standard output, for the pages that show how it is
 * used. `node bundle-react.js development` is the build in which StrictMode does everything twice.
 */
import { build } from 'esbuild';

const mode = process.argv[2] ?? 'production';

const { outputFiles } = await build({
  stdin: {
    contents: "import * as React from 'react'; export { React }; export { createRoot } from 'react-dom/client';",
    resolveDir: import.meta.dirname,
  },
  bundle: true,
  format: 'esm',
  minify: mode === 'production',
  define: { 'process.env.NODE_ENV': JSON.stringify(mode) },
  legalComments: 'inline',
  write: false,
});
process.stdout.write(outputFiles[0]?.text ?? '');
