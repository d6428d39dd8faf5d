/**
 * Whether the operator is at work in the list, so that its lines have to stay where they are: what is pointed at must be what is pressed.
 * A pointer that rests for long, or a focus that was left behind, holds nothing.
 */

/** Milliseconds after which a pointer or a focus that does nothing no longer counts. */
const RESTING = 30_000;
/** The same for a finger, which is nowhere once it is lifted. */
const AFTER_TOUCH = 3000;

/** @param {HTMLElement} host @param {() => void} onRelease told when the lines may move again */
export function createHold(host, onRelease) {
  let until = -Infinity;
  let pointing = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {number} ms */
  function keep(ms) {
    until = performance.now() + ms;
    clearTimeout(timer);
    timer = setTimeout(release, ms);
  }

  function release() {
    clearTimeout(timer);
    if (until === -Infinity) return;
    until = -Infinity;
    onRelease();
  }

  const focused = () => host.contains(document.activeElement);
  host.addEventListener('pointermove', ({ pointerType }) => {
    if (pointerType === 'touch') return;
    pointing = true;
    keep(RESTING);
  }, { passive: true });
  host.addEventListener('pointerleave', ({ pointerType }) => {
    if (pointerType === 'touch') return;
    pointing = false;
    if (!focused()) release();
  });
  host.addEventListener('pointerdown', ({ pointerType }) => keep(pointerType === 'touch' ? AFTER_TOUCH : RESTING), { passive: true });
  host.addEventListener('touchmove', () => keep(AFTER_TOUCH), { passive: true });
  host.addEventListener('keydown', () => keep(RESTING));
  host.addEventListener('focusin', () => keep(RESTING));
  host.addEventListener('focusout', ({ relatedTarget }) => {
    if (!pointing && !(relatedTarget instanceof Node && host.contains(relatedTarget))) release();
  });

  return {
    get held() {
      return performance.now() < until;
    },
    /** Lets the lines move until the operator does something in the list again. */
    release,
  };
}
