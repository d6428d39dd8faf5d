/** Which callback gets which part of an event's JSON object. */

/**
 * @typedef {import('./client.js').Awaitable} Awaitable
 *
 * @typedef {Readonly<Record<string, string>>} Routes the callback's name, by the member whose value it gets
 *
 * @typedef {object} Source
 * @property {string} chunk_id
 * @property {string} document_name
 * @property {string} text
 * @property {number} score
 *
 * @typedef {object} ChatCallbacks
 * @property {(stage: string) => Awaitable} [onStage] `{"stage"}`
 * @property {(token: string) => Awaitable} [onToken] `{"token"}`
 * @property {(sources: Source[]) => Awaitable} [onSources] `{"sources"}`
 * @property {(score: number) => Awaitable} [onQualityScore] `{"quality_score"}`
 * @property {(questions: string[]) => Awaitable} [onFollowUps] `{"follow_up_questions"}`
 * @property {(metadata: any) => Awaitable} [onMetadata] `{"metadata"}`
 */

/** The routes of a chat that streams its stages, the default of `streamSSE`. @type {Routes} */
export const CHAT_ROUTES = {
  stage: 'onStage',
  token: 'onToken',
  sources: 'onSources',
  quality_score: 'onQualityScore',
  follow_up_questions: 'onFollowUps',
  metadata: 'onMetadata',
};
