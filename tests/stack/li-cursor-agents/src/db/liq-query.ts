// Reads of the control plane in liq: from the engine, or stub rows where it is mocked.
import { runLidbBridge, shouldUseLidbEngine } from './lidb-liorm.js';
import { CONTROL_PLANE_TABLES } from './schema-catalog.js';

const READ = /^read\s+([a-z_]+)(?:\s+limit\s+(\d+))?$/i;

/** The table and the limit of a read, or what is wrong with it. */
export function parseReadLiq(liq) {
  const [, table, limit] = READ.exec(liq.trim()) ?? [];
  if (!table) return { ok: false, error: 'liq must be: read <table> [limit N]' };
  if (!CONTROL_PLANE_TABLES.some(({ name }) => name === table)) {
    return { ok: false, error: `table not in control-plane catalog: ${table}` };
  }
  return { ok: true, table, limit: Math.min(200, Number(limit ?? 20)) };
}

/** Runs a read; `mock` says whether stub rows stand in for the engine. */
export async function runLiqQuery(liq) {
  const parsed = parseReadLiq(liq);
  if (!parsed.ok) return { ...parsed, liq };
  const { table, limit } = parsed;
  if (!(await shouldUseLidbEngine())) {
    const rows = [stubRow(table)].slice(0, limit);
    return { ok: true, mock: true, liq, table, rows, row_count: rows.length };
  }
  const { ok, rows, error } = await runLidbBridge('read_liq', liq);
  if (!ok) return { ok: false, error, liq, table };
  const given = rows.slice(0, limit);
  return { ok: true, mock: false, liq, table, rows: given, row_count: given.length };
}

/** What can be read. */
export function schemaSnapshot() {
  return { tables: CONTROL_PLANE_TABLES };
}

function stubRow(table) {
  const { key_columns: columns } = CONTROL_PLANE_TABLES.find(({ name }) => name === table);
  return Object.fromEntries([['_mock', true], ...columns.map((column) => [column, `mock-${column}`])]);
}
