/** The operator's key. Kept for the session only, and only in this tab; sent as a header, never in an address. */

/** @typedef {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} Session */

const KEY = 'active-requests.key';

/** Whether a header can carry it. @param {string} text */
export const isKey = (text) => /^[\x21-\x7e]*$/.test(text);

/** The key that is kept; one that no header can carry is none. @param {Session} session */
function kept(session) {
  const key = session.getItem(KEY);
  return key !== null && isKey(key) ? key : null;
}

/** @param {Session} session */
export const hasKey = (session) => kept(session) !== null;

/** @param {Session} session @param {string | null} key */
export function keepKey(session, key) {
  if (key === null || key === '') session.removeItem(KEY);
  else session.setItem(KEY, key);
}

/** @param {Session} session @returns {Record<string, string>} */
export function keyHeaders(session) {
  const key = kept(session);
  return key === null ? {} : { authorization: `Bearer ${key}` };
}
