// The control plane on lidb, end to end: once against the mock bridge, once against the real engine.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { BRIDGE_SCRIPT, controlPlaneStore } from '../../dist/config.js';
import { openBridge } from '../../dist/lidb-liorm.js';
import { persistAgentRun, readAgentRun } from '../../dist/persist.js';

const wantsMock = process.env.LI_E2E_LIDB === '1';
const wantsEngine = process.env.LI_E2E_LIDB_ENGINE === '1';

// Random values, so that no answer but the stored one fits.
function newRun() {
  const id = randomUUID();
  const agent = `agent-${id.slice(0, 8)}`;
  return { id, agent, status: 'running', summary: `s-${randomUUID()}`, attempt: 1, updated_at: null };
}

describe('lidb mock bridge', { skip: !wantsMock && 'set LI_E2E_LIDB=1' }, () => {
  const env = { ...process.env, LI_LIDB_MOCK: '1', LI_CONTROL_PLANE_STORE: 'lidb' };
  const bridge = openBridge(env);
  after(() => bridge.close());

  it('says that there is no engine', async () => {
    assert.deepEqual(await bridge.request('probe'), { ok: true, engine: false, protocol_version: 1 });
  });

  it('keeps runs apart and forgets nothing', async () => {
    const [one, two] = [newRun(), newRun()];
    assert.equal(await persistAgentRun(bridge, one, env), one.id);
    await persistAgentRun(bridge, two, env);
    await persistAgentRun(bridge, { ...two, status: 'done' }, env);
    assert.deepEqual(await readAgentRun(bridge, one.id, env), one);
    assert.deepEqual(await readAgentRun(bridge, two.id, env), { ...two, status: 'done' });
    assert.equal(await readAgentRun(bridge, randomUUID(), env), null);
  });

  it('leaves production on supabase', async () => {
    assert.equal(controlPlaneStore({}), 'supabase');
    assert.throws(() => controlPlaneStore({ LI_CONTROL_PLANE_STORE: 'lidbb' }), /expected one of/);
    await assert.rejects(persistAgentRun(bridge, newRun(), {}), /kept in supabase/);
  });
});

describe('lidb engine bridge', { skip: !wantsEngine && 'set LI_E2E_LIDB_ENGINE=1' }, () => {
  const dataDir = process.env.LI_DATA_DIR || mkdtempSync(join(tmpdir(), 'li-agents-'));
  const env = { ...process.env, LI_DATA_DIR: dataDir };
  let bridge;

  before(() => {
    bridge = openBridge(env);
  });
  after(async () => {
    await bridge.close();
    if (!process.env.LI_DATA_DIR) rmSync(dataDir, { recursive: true });
  });

  // The bridge in a process of its own, without a session.
  const options = { env, encoding: 'utf8' };
  const oneShot = (...args) => JSON.parse(execFileSync('python3', [BRIDGE_SCRIPT, ...args], options));

  // The engine without the bridge: what it says is what is on the disk.
  function direct(sql, ...params) {
    const built = resolve(process.env.LI_LIDB_REPO || '../lidb', 'build/smoke/lidb_embed');
    const binary = existsSync(process.env.LIDB_EMBED ?? '') ? process.env.LIDB_EMBED : built;
    const input = JSON.stringify(params);
    return JSON.parse(execFileSync(binary, ['exec-json', dataDir, sql], { ...options, input })).rows;
  }

  it('reaches the real engine', async () => {
    const expected = { ok: true, engine: true, protocol_version: 1 };
    assert.deepEqual(await bridge.request('probe'), expected);
    assert.deepEqual(oneShot('probe'), expected);
  });

  it('persists a run that every other process reads back', async () => {
    const run = newRun();
    assert.equal(await persistAgentRun(bridge, run, env), run.id);
    assert.deepEqual(await readAgentRun(bridge, run.id, env), run);
    const query = ['read agent_runs { * } where id = $id', JSON.stringify({ id: run.id })];
    assert.deepEqual(oneShot('read_liq', ...query).rows, [run]);
    assert.deepEqual(direct('SELECT * FROM agent_runs WHERE id = ?', run.id), [run]);
  });

  it('reads what other processes persist', async () => {
    const [byBridge, byEngine] = [newRun(), newRun()];
    oneShot('upsert_agent_run', JSON.stringify(byBridge));
    direct(
      'INSERT INTO agent_runs (id, agent, status, summary, attempt) VALUES (?, ?, ?, ?, ?)',
      byEngine.id, byEngine.agent, byEngine.status, byEngine.summary, byEngine.attempt,
    );
    assert.deepEqual(await readAgentRun(bridge, byBridge.id, env), byBridge);
    assert.deepEqual(await readAgentRun(bridge, byEngine.id, env), byEngine);
  });

  it('keeps the runs of different agents apart', async () => {
    const runs = [newRun(), newRun(), newRun()];
    for (const run of runs) await persistAgentRun(bridge, run, env);
    for (const run of runs) assert.deepEqual(await readAgentRun(bridge, run.id, env), run);
    const { rows } = await bridge.request(
      'read_liq', 'read agent_runs { id } where agent = $agent', JSON.stringify({ agent: runs[1].agent }),
    );
    assert.deepEqual(rows, [{ id: runs[1].id }]);
    assert.equal(await readAgentRun(bridge, randomUUID(), env), null);
  });

  it('updates a run in place', async () => {
    const run = newRun();
    await persistAgentRun(bridge, run, env);
    const done = { ...run, status: 'done', attempt: 2, updated_at: '2026-01-01T00:00:00Z' };
    await persistAgentRun(bridge, done, env);
    assert.deepEqual(direct('SELECT * FROM agent_runs WHERE id = ?', run.id), [done]);
    assert.deepEqual(direct('SELECT COUNT(*) AS n FROM agent_runs WHERE id = ?', run.id), [{ n: 1 }]);
  });

  it('changes no character of a text', async () => {
    const summary = 'it\'s "quoted" \\ line\nbreak \u0000 é 漢 😀 \'); DELETE FROM agent_runs; --';
    const run = { ...newRun(), summary };
    await persistAgentRun(bridge, run, env);
    assert.deepEqual(await readAgentRun(bridge, run.id, env), run);
    assert.deepEqual(direct('SELECT summary FROM agent_runs WHERE id = ?', run.id), [{ summary }]);
  });

  it('keeps everything when the bridge starts again', async () => {
    const run = newRun();
    await persistAgentRun(bridge, run, env);
    await bridge.close();
    await assert.rejects(bridge.request('probe'), /closed/);
    bridge = openBridge(env);
    assert.deepEqual(await readAgentRun(bridge, run.id, env), run);
  });

  it('reports what the engine refuses and goes on', async () => {
    await assert.rejects(bridge.request('exec_sql', 'SELECT x FROM agent_runs', '[]'), /no such column/);
    await assert.rejects(bridge.request('exec_sql', 'SELEC 1', '[]'), /syntax/);
    const { rows } = await bridge.request('exec_sql', 'SELECT 1 AS ok', '[]');
    assert.deepEqual(rows, [{ ok: 1 }]);
  });

  it('persist handoffs between agents', { todo: 'the bridge has no command for them yet' });
  it('control_plane_reports of a run', { todo: 'the bridge has no command for them yet' });
});
