/** Entry: asks for the stream before anything else, where the page will probably want it. */

import { ask } from './first-answer.js';

// Only a guess, and dropped where it is wrong. Of all that compat.js asks of a browser, `any` came last.
if ('any' in AbortSignal && !document.hidden && !/^#\/(errors|traces)/.test(location.hash)) ask();
