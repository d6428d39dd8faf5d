import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compile, ofThePast, toggleTerm, toggleValue, valuesOf, withoutField } from '../../dashboard/model/filter.js';
import { complete, SHOWN } from '../../dashboard/model/completion.js';
import { nearest } from '../../dashboard/model/nearest.js';
import { parts } from '../../dashboard/model/query.js';
import { readRow } from '../../dashboard/model/row.js';

const NOW = 1_701_234_568_000;

const row = readRow({
  request_id: 'req_7f3a9c01-1a', provider: 'OpenAI', model: 'gpt-4-turbo', requested_model: 'openai:gpt-4-turbo', resolved_model: 'gpt-4-0125-preview', qualified_model: 'openai:gpt-4-turbo',
  is_streaming: true, start_time: NOW / 1000 - 45, duration_ms: 45_000, input_tokens: 150, output_tokens: 2000, tool_calls: 0, request_size: 2048, phase: 'stalled', waiting_on: 'upstream', status: 200,
  time_to_first_token_ms: 310, response_bytes: 51_200, idle_ms: 14_000, method: 'POST', path: '/v1/chat/completions', stage: 'searching documents', usage_source: 'estimated', caller: 'Ann', labels: { session: 's-77', 'team.id': 'blue' }, cost_usd: 0.25, route: '/v1/{rest}',
}, NOW);
if (row) row.rate = 3.5;
const ended = row && { ...row, outcome: 'client_disconnect', endedMs: NOW, durationMs: 900 };

/** @param {string} query @param {typeof row} [of] */
const holds = (query, of = row) => {
  assert.ok(of);
  return compile(query).test(of, NOW);
};

describe('the filter', () => {
  for (const query of [
    '', '   ', 'gpt', 'GPT turbo', '1a', '0125', 'completions', '"searching documents"', 'openai:gpt-4', 'provider:openai', 'provider:OPEN*', 'model:gpt-4-turbo', 'model:gpt-?-turbo', 'model:openai:gpt*',
    'resolved:gpt-4-0125-preview', 'state:stalled', 'state:waiting,stalled', 'state:active', 'phase:stalled', 'waits:upstream', 'waiting_on:upstream', 'streaming:yes', 'streaming:true', 'age>30s', 'age>=45s', 'age<1m', 'age>44',
    'age:30s..60s', 'duration:30s..', 'idle>10s', 'ttft<1s', 'ttft>300ms', 'ttft=310ms', 'in=150', 'out>1000', 'output>=2000', 'tok/s<5', 'rate>3', 'tools=0', 'size>=2k', 'bytes:50k', 'status:200', 'status:2xx', 'status<300',
    '-provider:poe', '-state:ended', '-gemini', 'path:/v1/chat/completions', 'usage:estimated', 'method:post', 'stage:documents', 'id:7f3a', 'state:', 'age>', 'provider:openai state:stalled age>30s -path:/v1/embeddings',
    'model!=gpt-4', 'model=gpt-4|gpt-4-turbo', 'gpt|claude', 'claude|turbo', 'state:waiting|stalled', 'state!=ended', 'state=STALLED', 'age<1h30m', 'age>0h0m44s', 'age!=3s', 'age:..1m', 'out>1k', 'out<3k', 'caller:ann', 'Ann', 's-77',
    'label.session:s-7', 'label.session=s-77', 'label.team.id:blue', '-label.other:x', 'cost>0.10', 'cost>=$0.25', 'cost:0.2..0.3', 'route:/v1', 'usage:estimated|reported', 'status!=404', 'outcome!=completed', '-outcome:error', 'waits!=client', 'streaming:1', 'model!=gpt-4,gpt-5',
    'model=gpt-4-turbo', 'model=GPT-4-Turbo', 'model=openai:gpt-4-turbo', 'model=gpt-4,gpt-4-turbo', '-model=gpt-4',
  ]) it(`shows it for ${query || 'nothing'}`, () => assert.equal(holds(query), true));

  for (const query of [
    'claude', 'gpt claude', 'provider:anthropic', 'provider:open?', 'state:streaming', 'state:ended', 'state:error', 'waits:client', 'streaming:no', 'age>45s', 'age:50s..', 'age:1..2', 'out<2000',
    'tok/s>=5', 'status:5xx', 'status:404', '-gpt', '-state:stalled', '-age>30s', 'path:/v1/messages', '"chat gpt"', 'model=gpt-4', 'model=gpt-4*', 'provider=open', 'model!=gpt-4-turbo', 'gemini|claude', 'age>1h30m', 'age<0.5m', 'caller=an', 'label.session=s', 'label.other:x', 'cost>0.25', 'cost<0.1', 'outcome:completed', 'outcome:error',
    'status!=200', 'status!=2xx', 'tools>0', 'out>2k', '-cost>0.10',
  ]) it(`hides it for ${query}`, () => assert.equal(holds(query), false));

  for (const query of ['state:ended', 'state:client_disconnect', '-state:error', 'outcome:client_disconnect', 'age<1s', '-waits:upstream']) {
    it(`shows an ended one for ${query}`, () => assert.equal(holds(query, ended), true));
  }

  for (const [query, problem] of [
    ['age>soon', '“age” takes a time such as 30s or 1h30m, not “soon”.'], ['age>5parsecs', '“age” takes a time such as 30s or 1h30m, not “5parsecs”.'], ['out:many', '“out” takes a number, not “many”.'],
    ['age:1..2..3', '“age” takes a time such as 30s or 1h30m, not “1..2..3”.'], ['age>1h30', '“age” takes a time such as 30s or 1h30m, not “1h30”.'], ['cost>cheap', '“cost” takes dollars such as 0.10, not “cheap”.'], ['out>1k1k', '“out” takes a number, not “1k1k”.'],
    ['streaming:perhaps', '“streaming” is never “perhaps”. It is yes or no.'], ['model>3', '“model” cannot be greater or less than something: use model:value.'],
    ['state:streeming', '“state” is never “streeming”; did you mean “streaming”?'], ['state:stalled,wating', '“state” is never “wating”; did you mean “waiting”?'], ['waits:server', '“waits” is never “server”. It is upstream or client.'],
    ['modle:gpt', 'There is no field “modle”; did you mean “model”?'], ['provder=openai', 'There is no field “provder”; did you mean “provider”?'],
    ['weather>5', 'There is no field “weather”. The fields are state, outcome, provider, model, resolved, caller, replica, waits, path, route, method, stage, id, usage, streaming, age, idle, ttft, in, out, tok/s, cost, tools, messages, size, bytes, status.'],
  ]) {
    it(`says what is wrong with ${query}, and hides nothing for it`, () => {
      assert.deepEqual(compile(query ?? '').errors, [problem]);
      assert.equal(holds(query ?? ''), true);
    });
  }

  it('takes no value for code', () => {
    for (const query of ['model:.*', 'model:(', 'model:[a', '"', '-', '--', ':', 'constructor:x', '__proto__:x']) assert.doesNotThrow(() => holds(query), query);
    assert.equal(holds('model:.*'), false);
  });

  it('matches wildcards in time that does not explode', () => {
    assert.ok(row);
    const began = performance.now();
    compile(`path:${'*a'.repeat(20)}b`).test({ ...row, path: 'a'.repeat(256) }, NOW);
    assert.ok(performance.now() - began < 2000);
  });

  it('takes a comma in quotes for a part of the value', () => {
    assert.ok(row);
    assert.equal(holds('model="a,b"', { ...row, model: 'a,b' }), true);
    for (const model of ['a', 'b', 'a,b,c']) assert.equal(holds('model="a,b"', { ...row, model }), false, model);
    assert.equal(holds('model:"a,b"', { ...row, model: 'a' }), false);
  });

  it('splits at spaces outside quotes', () => assert.deepEqual(parts('a "b c" -model:"d e"  f').map((it) => [it.source, it.at, it.negated, it.field, it.operator, it.value]), [
    ['a', 0, false, '', '', 'a'], ['"b c"', 2, false, '', '', '"b c"'], ['-model:"d e"', 8, true, 'model', ':', '"d e"'], ['f', 22, false, '', '', 'f'],
  ]));

  it('says what it took for a word though it looks like a term', () => {
    assert.deepEqual(compile('openai:gpt-4 model:x').notes, [{ prefix: 'openai', text: '“openai” is no field, so “openai:gpt-4” is looked for as a word.' }]);
    assert.deepEqual(compile('openai:gpt-4').errors, []);
    assert.equal(holds('openai:gpt-4'), true);
  });

  for (const [word, words, meant] of /** @type {[string, string[], string | null][]} */ ([
    ['stalld', ['stalled', 'streaming'], 'stalled'], ['sta', ['stalled', 'streaming'], 'stalled'], ['mdoel', ['model', 'method'], 'model'], ['x', ['xy'], null], ['entirely', ['else', 'idle'], null], ['a'.repeat(10_000), ['a'.repeat(9999)], null],
  ])) it(`takes ${word.slice(0, 20)} for ${meant}`, () => assert.equal(nearest(word, words), meant));

  for (const [before, after] of [
    ['state:stalled', ''], ['gpt state:stalled age>3s', 'gpt age>3s'], ['state:stalled,completed', 'state:stalled,completed'], ['-state:stalled', '-state:stalled'], ['waits:upstream idle>5s path:/v1', 'path:/v1'], ['phase:active|waiting', ''], ['state!=stalled', 'state!=stalled'], ['outcome:killed', 'outcome:killed'],
  ]) it(`carries of “${before}” only “${after}” over to what has ended`, () => assert.equal(ofThePast(String(before)), after));

  it('takes values in and out one by one', () => {
    assert.equal(toggleValue('gpt', 'state', 'stalled'), 'gpt state:stalled');
    assert.equal(toggleValue('gpt state:stalled', 'state', 'waiting'), 'gpt state:stalled,waiting');
    assert.equal(toggleValue('state:stalled|waiting gpt', 'state', 'stalled'), 'gpt state:waiting');
    assert.equal(toggleValue('state:waiting', 'state', 'waiting'), '');
    assert.equal(toggleValue('-state:ended', 'state', 'waiting'), '-state:ended state:waiting');
    assert.deepEqual(valuesOf('state:stalled,waiting -state:ended x', 'state'), ['stalled', 'waiting']);
    assert.equal(withoutField('a state:stalled -state:ended', 'state'), 'a -state:ended');
  });

  it('takes a term in and out', () => {
    assert.equal(toggleTerm('gpt', 'state', 'stalled'), 'gpt state:stalled');
    assert.equal(toggleTerm('gpt state:waiting', 'state', 'stalled'), 'gpt state:stalled');
    assert.equal(toggleTerm('gpt state:stalled', 'state', 'stalled'), 'gpt');
    assert.equal(toggleTerm('', 'model', 'my model'), 'model:"my model"');
    assert.equal(toggleTerm('gpt model:mini', 'model', 'a,b', '='), 'gpt model="a,b"');
    assert.equal(toggleTerm('gpt model="a,b"', 'model', 'a,b', '='), 'gpt');
    assert.equal(toggleTerm('-model:x age>3s', 'model', 'a|b', '='), '-model:x age>3s model="a|b"');
  });
});

describe('the completion of the filter', () => {
  const rows = row ? [row, { ...row, model: 'gpt-4o', caller: 'bob' }, { ...row, model: 'gpt-4o', caller: 'two words' }] : [];
  /** @param {string} query @param {number} [caret] */
  const offered = (query, caret = query.length) => complete(query, caret, () => rows, ['label.session']).map((it) => it.text);
  /** @param {string} query @param {string} option */
  function taken(query, option) {
    const it = complete(query, query.length, () => rows, ['label.session']).find((it) => it.text === option);
    return it && it.query;
  }

  for (const [query, options] of /** @type {[string, string[]][]} */ ([
    ['mod', ['model:']], ['gpt st', ['state:', 'stage:', 'streaming:', 'status:']], ['-wa', ['waits:']], ['lab', ['label.session:']], ['state:st', ['streaming', 'stalled', 'upstream_error']], ['state:stalled,wai', ['waiting']], ['state!=act', ['active']],
    ['model:gpt-4o', []], ['model:gpt', ['gpt-4o', 'gpt-4-turbo']], ['caller:', ['ann', 'bob', 'two words']], ['label.session:', ['s-77']], ['age>', []], ['openai:g', []], ['"sta', []], ['x ', []],
  ])) it(`offers ${options.join(' ') || 'nothing'} for ${query}`, () => assert.deepEqual(offered(query).map((it) => it.toLowerCase()), options));

  it('offers every field where nothing is written yet and it is asked', () => assert.ok(complete('', 0, () => rows, [], true).some((it) => it.text === 'cost:')));

  it('completes where the caret is, and keeps the rest', () => {
    assert.equal(taken('gpt sta', 'state:'), 'gpt state:');
    assert.equal(taken('-state:stalled,wai', 'waiting'), '-state:stalled,waiting');
    assert.equal(taken('caller:t', 'two words'), 'caller:"two words"');
    const [first] = complete('mod age>3s', 3, () => rows, []);
    assert.deepEqual([first?.query, first?.caret], ['model: age>3s', 6]);
  });

  it('says how often a value is there, and offers a bounded number', () => {
    const many = row ? Array.from({ length: 500 }, (_, index) => ({ ...row, model: `m${index}` })) : [];
    assert.equal(complete('model:m', 7, () => many, []).length, SHOWN);
    assert.deepEqual(complete('model:gpt-4o', 11, () => rows, []).map((it) => [it.text, it.hint]), [['gpt-4o', '2'], ['gpt-4-turbo', '1']]);
  });
});
