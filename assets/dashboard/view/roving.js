/** One tab stop for many alike: the arrows walk among them, and Tab leaves them. */

/** @typedef {'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight'} Arrow */

/**
 * @param {HTMLElement} host
 * @param {{ items: () => ArrayLike<HTMLElement>, back: Arrow, on: Arrow }} parts `items` in their order; `back`, `on`: the keys that walk
 */
export function createRoving(host, { items, back, on }) {
  /** Makes one of them the tab stop. @param {HTMLElement | undefined} item */
  function stop(item) {
    for (const it of Array.from(items())) it.tabIndex = it === item ? 0 : -1;
  }

  /** @param {number} index */
  function go(index) {
    const all = items();
    const item = all[Math.max(0, Math.min(index, all.length - 1))];
    stop(item);
    item?.focus();
    item?.scrollIntoView({ block: 'nearest' });
  }

  const current = () => Array.from(items()).findIndex((it) => it.tabIndex === 0);
  host.addEventListener('focusin', ({ target }) => {
    const item = Array.from(items()).find((it) => it === target);
    if (item) stop(item);
  });
  host.addEventListener('keydown', (event) => {
    const all = Array.from(items());
    const at = all.findIndex((it) => it === event.target);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = { [back]: at - 1, [on]: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    go(to);
  });
  return {
    /** After the items are others. */
    renew() {
      const all = items();
      if (current() < 0) stop(all[0]);
    },
    /** Walks on from the one that has the focus, or goes to the tab stop. @param {number} by */
    move(by) {
      const at = Array.from(items()).findIndex((it) => it === document.activeElement);
      go(at < 0 ? Math.max(0, current()) : at + by);
    },
    go,
  };
}
