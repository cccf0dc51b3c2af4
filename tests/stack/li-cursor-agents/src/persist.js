// Agent runs in the control-plane store.
import { controlPlaneStore } from './config.js';

const READ_RUN = 'read agent_runs { id, agent, status, summary, attempt, updated_at } where id = $id';

function requireLidb(env) {
  const store = controlPlaneStore(env);
  if (store !== 'lidb') throw new Error(`the control plane is kept in ${store}, not in lidb`);
}

/** Writes a run, new or not, and gives its id. */
export async function persistAgentRun(bridge, run, env = process.env) {
  requireLidb(env);
  return (await bridge.request('upsert_agent_run', JSON.stringify(run))).run_id;
}

/** Reads a run; null when there is none. */
export async function readAgentRun(bridge, id, env = process.env) {
  requireLidb(env);
  const { rows } = await bridge.request('read_liq', READ_RUN, JSON.stringify({ id }));
  return rows[0] ?? null;
}
