import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Emitter } from '../../dashboard/app/emitter.js';

it('tells every listener of its event what happened, in the order in which they came', () => {
  /** @type {Emitter<{ came: [id: string, count: number], left: [] }>} */
  const events = new Emitter();
  /** @type {unknown[]} */
  const heard = [];
  events.on('came', (id, count) => heard.push(['first', id, count]));
  events.on('came', (id) => heard.push(['second', id]));
  events.on('left', () => heard.push('left'));
  events.emit('came', 'a', 2);
  assert.deepEqual(heard, [['first', 'a', 2], ['second', 'a']]);
});

it('tells a listener nothing more once it has stopped, be it while it is told', () => {
  /** @type {Emitter<{ came: [] }>} */
  const events = new Emitter();
  let first = 0;
  let second = 0;
  const stop = events.on('came', () => {
    first += 1;
    stop();
  });
  events.on('came', () => (second += 1));
  events.emit('came');
  events.emit('came');
  assert.deepEqual([first, second], [1, 2]);
});
