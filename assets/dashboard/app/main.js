/** Entry: the list first, then, when its first rows are on the screen, the rest of the page. */

import { createLive } from './live.js';

const live = createLive();
const rest = import('./page.js');
await live.firstRows;
const { createPage } = await rest;
createPage(live);
