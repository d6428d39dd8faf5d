/**
 * Clicks and keys on a line of the list, the same in every grid. They are heard from the elements themselves, at once: AG Grid tells of a key
 * only after a turn, when the next key may have come already.
 */

/** @typedef {import('../types.js').Line} Line */

/**
 * @param {HTMLElement} host
 * @param {object} parts
 * @param {(target: Element) => Line | null} parts.lineAt the line that an element belongs to
 * @param {() => { line: Line, box: DOMRect } | null} parts.focused
 * @param {(line: Line) => void} parts.onOpen
 * @param {(line: Line, to: boolean) => void} parts.onPick `to`: all up to this one
 * @param {(line: Line, at: DOMRect) => void} parts.onMenu
 */
export function bindLines(host, { lineAt, focused, onOpen, onPick, onMenu }) {
  host.addEventListener('click', (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const line = target && lineAt(target);
    if (!line) return;
    if (target.closest('.col-pick, [col-id="pick"]')) return onPick(line, event.shiftKey);
    const menu = target.closest('.row-menu');
    if (menu) onMenu(line, menu.getBoundingClientRect());
    else onOpen(line);
  });
  host.addEventListener('contextmenu', (event) => {
    const line = event.target instanceof Element ? lineAt(event.target) : null;
    if (line?.kind !== 'row') return;
    event.preventDefault();
    onMenu(line, new DOMRect(event.clientX, event.clientY, 0, 0));
  });
  host.addEventListener('keydown', (event) => {
    if (event.key !== 'ContextMenu' && !(event.key === 'F10' && event.shiftKey)) return;
    const at = focused();
    if (at?.line.kind !== 'row') return;
    event.preventDefault();
    onMenu(at.line, at.box);
  });
}
