/**
 * The little Markdown that models write, as data: blocks, and what stands in their lines. Pure; nothing becomes HTML here, so
 * that no text can.
 */

/**
 * @typedef {object} Block
 * @property {'paragraph' | 'heading' | 'bullets' | 'numbers' | 'code'} kind
 * @property {string[]} lines a list's items, or what stands in the block, line by line
 *
 * @typedef {object} Inline
 * @property {'text' | 'code' | 'strong' | 'emphasis' | 'cite'} kind
 * @property {string} text of `cite`, the number of the source
 */

const FENCE = /^\s*```/;
const HEADING = /^#{1,6}\s+/;
const BULLET = /^\s*[-*+]\s+/;
const NUMBER = /^\s*\d+[.)]\s+/;

/**
 * @param {string} text
 * @returns {Block[]}
 */
export function blocks(text) {
  /** @type {Block[]} */
  const found = [];
  let open = false;
  /** @param {Block['kind']} kind @param {string} line @param {boolean} [joins] the block before, if it is of this kind */
  const add = (kind, line, joins = true) => {
    const last = found.at(-1);
    if (open && joins && last?.kind === kind) last.lines.push(line);
    else found.push({ kind, lines: [line] });
    open = true;
  };
  let fenced = false;
  for (const line of text.split('\n')) {
    if (FENCE.test(line)) {
      fenced = !fenced;
      if (fenced) found.push({ kind: 'code', lines: [] });
      open = false;
    } else if (fenced) found.at(-1)?.lines.push(line);
    else if (!line.trim()) open = false;
    else if (HEADING.test(line)) add('heading', line.replace(HEADING, ''), false);
    else if (BULLET.test(line)) add('bullets', line.replace(BULLET, ''));
    else if (NUMBER.test(line)) add('numbers', line.replace(NUMBER, ''));
    else add('paragraph', line);
  }
  return found;
}

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[(\d{1,2})\]/g;

/**
 * @param {string} text
 * @returns {Inline[]}
 */
export function inlines(text) {
  /** @type {Inline[]} */
  const found = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > from) found.push({ kind: 'text', text: text.slice(from, match.index) });
    const [all, code, strong, emphasis, cite] = match;
    if (code !== undefined) found.push({ kind: 'code', text: code });
    else if (strong !== undefined) found.push({ kind: 'strong', text: strong });
    else if (emphasis !== undefined) found.push({ kind: 'emphasis', text: emphasis });
    else if (cite !== undefined) found.push({ kind: 'cite', text: cite });
    from = match.index + all.length;
  }
  if (from < text.length) found.push({ kind: 'text', text: text.slice(from) });
  return found;
}
