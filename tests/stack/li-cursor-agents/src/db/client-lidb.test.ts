import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';

import { assertStoreReady, configuredStore, lidbReady, useLidbStore } from './client.js';

const NAMES = ['LI_CONTROL_PLANE_STORE', 'LI_LIDB_MOCK', 'LI_LIDB_URL', 'LI_DATA_DIR'];
let before;

beforeEach(() => {
  before = { ...process.env };
  for (const name of NAMES) delete process.env[name];
});
afterEach(() => {
  for (const name of NAMES) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
});

test('configuredStore is supabase where nothing is set, and for a store that is not known', () => {
  assert.equal(configuredStore(), 'supabase');
  process.env.LI_CONTROL_PLANE_STORE = 'lidbb';
  assert.equal(configuredStore(), 'supabase');
});

test('configuredStore accepts lidb', () => {
  process.env.LI_CONTROL_PLANE_STORE = 'lidb';
  assert.ok(useLidbStore());
});

test('assertStoreReady throws for lidb without readiness env', () => {
  process.env.LI_CONTROL_PLANE_STORE = 'lidb';
  assert.equal(lidbReady(), false);
  assert.throws(assertStoreReady, /LI_CONTROL_PLANE_STORE=lidb/);
  process.env.LI_DATA_DIR = '/somewhere';
  assert.doesNotThrow(assertStoreReady);
});
