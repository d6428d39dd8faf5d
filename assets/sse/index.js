/** Everything, for those who import the package by its name. The React hook stands apart: `./use-sse-stream.js`. */

export * from './client.js';
export * from './parser.js';
export * from './token-buffer.js';
