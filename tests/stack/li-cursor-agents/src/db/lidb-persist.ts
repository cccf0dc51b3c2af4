// Agent runs, written through the bridge.
import { basename } from 'node:path';

import { runLidbBridge } from './lidb-liorm.js';

/** The name of a run: that of the file that its output is in. */
export function runIdOf(run) {
  return basename(run.outputPath, '.md');
}

/** Writes a run, new or not. */
export async function upsertAgentRunLidb({ run }) {
  const answer = await runLidbBridge(
    'upsert_agent_run',
    JSON.stringify({
      run_id: runIdOf(run),
      agent_id: run.agentId,
      status: run.status,
      started_at: new Date(Date.now() - (run.durationMs ?? 0)).toISOString(),
    }),
  );
  if (!answer.ok) throw new Error(`agent_runs: ${answer.error}`);
}
