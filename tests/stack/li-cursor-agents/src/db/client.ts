// Where the control plane is kept, as the environment says it.

/** The store of the control plane. Production stays on supabase until somebody flips it. */
export function configuredStore() {
  const store = process.env.LI_CONTROL_PLANE_STORE;
  return ['supabase', 'disk', 'lidb'].includes(store) ? store : 'supabase';
}

/** Whether the control plane is kept in lidb. */
export function useLidbStore() {
  return configuredStore() === 'lidb';
}

/** Whether stub rows stand in for the engine. */
export function lidbMockEnabled() {
  return process.env.LI_LIDB_MOCK === '1';
}

/** Whether the environment names a lidb store that can be used. */
export function lidbReady() {
  const { LI_LIDB_URL, LI_DATA_DIR } = process.env;
  return useLidbStore() && Boolean(lidbMockEnabled() || LI_LIDB_URL || LI_DATA_DIR);
}

/** Throws where the store is lidb and nothing says where it is. */
export function assertStoreReady() {
  if (useLidbStore() && !lidbReady()) {
    throw new Error('LI_CONTROL_PLANE_STORE=lidb needs LI_DATA_DIR, LI_LIDB_URL or LI_LIDB_MOCK=1');
  }
}
