/** Text of others, with what one would not see in it made visible, so that no name can pretend to be another. */

/** Controls, and the signs that turn or hide text: direction marks, embeddings and isolates, zero width, line and paragraph ends. */
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]/g;

/** @param {string} text */
export const visible = (text) => text.replace(HIDDEN, (sign) => `⟨U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`);
