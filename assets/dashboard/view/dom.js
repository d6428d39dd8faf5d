/** The few helpers that every view needs to make and change elements. */

/** @typedef {string | number | Node | null | undefined | false} Child */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, string | boolean | number | ((event: any) => void) | null | undefined>} attributes `on...` are listeners
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children) if (child !== null && child !== undefined && child !== false) element.append(typeof child === 'number' ? String(child) : child);
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag @param {Record<string, string | number>} attributes @param {...Node} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** An icon of the page's sprite; decoration, the words stand beside it. @param {string} name */
export const icon = (name) => svg('svg', { class: 'icon', 'aria-hidden': 'true' }, svg('use', { href: `#i-${name}` }));

/** Reads a value that the server wrote into the page's head. @param {string} name */
export const metaOf = (name) => document.querySelector(`meta[name="${name}"]`)?.getAttribute('content') ?? '';

/** @param {string} id */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page lacks #${id}`);
  return element;
}

/**
 * @template {Element} T
 * @param {string} id @param {new (...args: any[]) => T} type
 * @returns {T}
 */
export function typed(id, type) {
  const element = byId(id);
  if (!(element instanceof type)) throw new Error(`#${id} is no ${type.name}`);
  return element;
}

/** Writes only what differs: an unchanged text costs no layout. @param {Text} node @param {string} value */
export function setText(node, value) {
  if (node.data !== value) node.data = value;
}

/** An empty text inside `parent`, to be written later. @param {Node} parent */
export function textIn(parent) {
  const node = document.createTextNode('');
  parent.appendChild(node);
  return node;
}

/** @param {Element} element @param {string} name @param {string | null} value */
export function setData(element, name, value) {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}
