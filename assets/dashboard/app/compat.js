/*
 * Starts the page where the browser can run it; elsewhere shows the same list as a plain table, polled. Written so that any browser can
 * read it.
 */
(function () {
  'use strict';
  var able =
    'noModule' in HTMLScriptElement.prototype && typeof ReadableStream === 'function' && typeof TextDecoder === 'function' &&
    typeof AbortSignal === 'function' && typeof AbortSignal.any === 'function' && typeof Array.prototype.toSorted === 'function' &&
    typeof Object.hasOwn === 'function' && typeof ResizeObserver === 'function';

  var script = document.createElement('script');
  if (able) script.type = 'module';
  script.src = able ? 'page/app/main.js' : 'page/app/fallback.js';
  document.head.appendChild(script);
})();
