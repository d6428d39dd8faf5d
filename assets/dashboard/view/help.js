/** The contents of the help: the keys, and what a filter can say. */

import { byId, h } from './dom.js';

/** What is written, and what it means; what stands between backquotes is written so. @type {[string, string][]} */
const FILTER = [
  ['`gpt`', 'in id, model, provider, path, caller, labels or stage'],
  ['`state:stalled,waiting`', 'one of these, also with `|`; also `attention`, `active`, `ended`, `error`'],
  ['`waits:upstream`', 'the side waited for: `upstream` or `client`'],
  ['`provider:openai model:gpt-4*`', 'both; `*` and `?` stand for anything'],
  ['`model=gpt-4o` `model!=gpt-4o`', 'this name and no longer one; any other'],
  ['`age>1h30m` `ttft>=2s` `idle>5s`', 'times in ms, s, m, h, d'],
  ['`tok/s<5` `out>1k` `in` `tools` `size`', 'numbers'],
  ['`age:2s..5s`', 'from, up to'],
  ['`status:5xx` `outcome:killed` `streaming:no`', 'HTTP status, end, streamed or not'],
  ['`caller:ann` `label.session:s1` `cost>0.10`', 'who asks and what it costs, where the server tells'],
  ['`-path:/v1/embeddings`', 'all but these'],
  ['`"two words"` `model="a,b"`', 'quotes keep spaces, commas and bars'],
];

/** @param {string} text */
const marked = (text) => text.split('`').map((part, index) => (index % 2 === 1 ? h('code', {}, part) : part));

/** @param {import('./keys.js').Binding[]} bindings */
export function fillHelp(bindings) {
  byId('help-keys').replaceChildren(...bindings.map(({ keys, label }) =>
    h('tr', {}, h('td', {}, ...keys.flatMap((key, index) => [index > 0 ? ' ' : null, h('kbd', {}, key === ' ' ? 'space' : key)])), h('td', {}, label))));
  byId('help-filter').replaceChildren(...FILTER.map(([written, meaning]) => h('tr', {}, h('td', {}, ...marked(written)), h('td', {}, ...marked(meaning)))));
}
