/** The operator's key. Kept for the session only, and only in this tab; sent as a header, never in an address. */

/** @typedef {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} Session */

const KEY = 'active-requests.key';

/** Whether a header can carry it. @param {string} text */
export const isKey = (text) => /^[\x21-\x7e]*$/.test(text);

/** @param {Session} session */
export const hasKey = (session) => session.getItem(KEY) !== null;

/** @param {Session} session @param {string | null} key */
export function keepKey(session, key) {
  if (key === null || key === '') session.removeItem(KEY);
  else session.setItem(KEY, key);
}

/** @param {Session} session @returns {Record<string, string>} */
export function keyHeaders(session) {
  const key = session.getItem(KEY);
  return key === null ? {} : { authorization: `Bearer ${key}` };
}
