// The bridge to liorm: a Python process per call, one line of JSON for an answer.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { lidbMockEnabled } from './client.js';

const SCRIPT = fileURLToPath(new URL('../../scripts/lidb-liorm-bridge.py', import.meta.url));
let probed = null;

/** Runs one command of the bridge and gives its answer; what is no answer becomes one that is not ok. */
export async function runLidbBridge(command, ...args) {
  const child = spawn('python3', [SCRIPT, command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = { stdout: '', stderr: '' };
  for (const name of Object.keys(printed)) {
    child[name].setEncoding('utf8').on('data', (text) => { printed[name] += text; });
  }
  const [code] = await once(child, 'close');
  try {
    return JSON.parse(printed.stdout);
  } catch {
    return { ok: false, error: printed.stderr.trim() || `the bridge ended with ${code} and no answer` };
  }
}

/** Whether the engine answers; asked once, until the answer is cleared. */
export async function probeLidbEngine() {
  probed ??= await runLidbBridge('probe');
  return probed.ok === true && probed.engine === true;
}

export function clearLidbProbeCache() {
  probed = null;
}

/** Whether reads and writes go to the engine. */
export async function shouldUseLidbEngine() {
  const { LI_LIDB_URL, LI_DATA_DIR, LIDB_DATA_DIR } = process.env;
  if (lidbMockEnabled() || !(LI_LIDB_URL || LI_DATA_DIR || LIDB_DATA_DIR)) return false;
  return probeLidbEngine();
}
