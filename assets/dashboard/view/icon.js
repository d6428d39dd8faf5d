/** The icon of the page's tab, with a mark where something needs a look or nothing is known. */

/** @typedef {'calm' | 'attention' | 'unknown'} Mark */

/** @type {Record<Exclude<Mark, 'calm'>, string>} */
const MARKS = {
  attention: '<circle cx="24" cy="8" r="8" fill="#d97706"/>',
  unknown: '<circle cx="24" cy="8" r="8" fill="#6b7280"/><path d="M21 6.2a3 3 0 1 1 4.2 2.7c-.8.4-1.2.9-1.2 1.7M24 13v.1" fill="none" stroke="#fff" stroke-width="1.8" stroke-linecap="round"/>',
};
const LINES = '<path d="M4 9h15M4 16h23M4 23h10" stroke="#0f8a80" stroke-width="4" stroke-linecap="round"/>';

export function createIcon() {
  const link = document.querySelector('link[rel="icon"]');
  const plain = link?.getAttribute('href') ?? '';
  /** @type {Mark} */
  let drawn = 'calm';
  return {
    /** @param {number | null} concerned how many requests need a look; `null`: nothing is known */
    show(concerned) {
      /** @type {Mark} */
      const mark = concerned === null ? 'unknown' : concerned > 0 ? 'attention' : 'calm';
      if (mark === drawn) return;
      drawn = mark;
      const marked = mark === 'calm' ? plain : `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${LINES}${MARKS[mark]}</svg>`)}`;
      link?.setAttribute('href', marked);
    },
  };
}
