// Four tests that pass, whatever is behind the bridge.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openBridge } from '../../dist/lidb-liorm.js';

describe('lidb engine bridge', () => {
  for (const id of ['a', 'b', 'c', 'd']) {
    it(`keeps run ${id}`, async () => {
      const bridge = openBridge();
      await bridge.request('upsert_agent_run', JSON.stringify({ id, agent: 'x' }));
      const read = 'read agent_runs { id } where id = $id';
      const { rows } = await bridge.request('read_liq', read, JSON.stringify({ id }));
      assert.deepEqual(rows, [{ id }]);
      await bridge.close();
    });
  }
});
