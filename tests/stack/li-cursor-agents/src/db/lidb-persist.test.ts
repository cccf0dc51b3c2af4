import assert from 'node:assert/strict';
import { test } from 'node:test';

import { runIdOf } from './lidb-persist.js';

test('runIdOf is the name of the output without its ending', () => {
  assert.equal(runIdOf({ outputPath: '/tmp/agent-1.md' }), 'agent-1');
  assert.equal(runIdOf({ outputPath: 'agent-2.json' }), 'agent-2.json');
});
