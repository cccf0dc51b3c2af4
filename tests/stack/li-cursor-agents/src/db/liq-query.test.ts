import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseReadLiq } from './liq-query.js';

test('parseReadLiq gives table and limit', () => {
  assert.deepEqual(parseReadLiq('read agent_runs limit 5'), { ok: true, table: 'agent_runs', limit: 5 });
  assert.deepEqual(parseReadLiq(' READ agent_runs '), { ok: true, table: 'agent_runs', limit: 20 });
});

test('parseReadLiq refuses writes and tables that nobody listed', () => {
  for (const liq of ['', 'delete agent_runs', 'read agent_runs; drop', 'read secrets', 'read agent_runs { id }']) {
    assert.equal(parseReadLiq(liq).ok, false, liq);
  }
});
