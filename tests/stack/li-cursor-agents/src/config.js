// What the environment says, read once and in one place.
import { fileURLToPath } from 'node:url';

const STORES = ['supabase', 'disk', 'lidb'];

export const BRIDGE_SCRIPT = fileURLToPath(new URL('../scripts/lidb-liorm-bridge.py', import.meta.url));

/** Where the control plane is kept. Production stays on supabase until somebody flips it. */
export function controlPlaneStore(env = process.env) {
  const store = env.LI_CONTROL_PLANE_STORE || 'supabase';
  if (!STORES.includes(store)) {
    throw new Error(`LI_CONTROL_PLANE_STORE=${store}: expected one of ${STORES.join(', ')}`);
  }
  return store;
}

/** Whether the in-process fake stands in for the engine. */
export function isMock(env = process.env) {
  return env.LI_LIDB_MOCK === '1';
}
