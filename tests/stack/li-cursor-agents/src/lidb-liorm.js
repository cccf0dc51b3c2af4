// The bridge to liorm: one Python process that stays, one line of JSON per request and per answer.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { BRIDGE_SCRIPT, isMock } from './config.js';
import { MockBridge } from './mock-bridge.js';

class EngineBridge {
  #child;
  #waiting = []; // answers come in the order of the requests
  #exited;

  constructor(env) {
    this.#child = spawn('python3', [BRIDGE_SCRIPT, 'serve'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#exited = once(this.#child, 'close').catch(() => {});
    this.#child.stdin.on('error', () => {}); // a broken pipe shows as an ended process below
    this.#child.on('error', (error) => this.#endAll(error));
    createInterface({ input: this.#child.stdout })
      .on('line', (line) => this.#waiting.shift()?.resolve(line))
      .on('close', () => this.#endAll(new Error('the lidb bridge ended')));
  }

  /** Sends one command and gives its answer; an answer that is not ok is an error. */
  async request(cmd, ...args) {
    const gone = this.#child.exitCode !== null || this.#child.stdin.destroyed;
    if (gone) throw new Error('the lidb bridge is closed');
    const line = await new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin.write(`${JSON.stringify({ cmd, args })}\n`);
    });
    const answer = JSON.parse(line);
    if (!answer.ok) throw new Error(`lidb bridge, ${cmd}: ${answer.error}`);
    return answer;
  }

  /** Ends the Python process and waits until it is gone. */
  async close() {
    this.#child.stdin.end();
    await this.#exited;
  }

  #endAll(error) {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** Opens the bridge that the environment asks for. */
export function openBridge(env = process.env) {
  return isMock(env) ? new MockBridge() : new EngineBridge(env);
}
