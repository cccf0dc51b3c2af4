// The bridge without an engine (LI_LIDB_MOCK=1): agent runs in a Map, gone with the process.
const READ = /^read agent_runs \{ ([\w, ]+) \} where id = \$id$/;

export class MockBridge {
  #runs = new Map();

  async request(cmd, ...args) {
    switch (cmd) {
      case 'probe':
        return { ok: true, engine: false, protocol_version: 1 };
      case 'upsert_agent_run': {
        const run = JSON.parse(args[0]);
        this.#runs.set(run.id, run);
        return { ok: true, run_id: run.id, protocol_version: 1 };
      }
      case 'read_liq': {
        const columns = READ.exec(args[0])?.[1].split(', ');
        if (!columns) throw new Error(`the mock bridge does not know this read: ${args[0]}`);
        const run = this.#runs.get(JSON.parse(args[1]).id);
        const rows = run ? [Object.fromEntries(columns.map((column) => [column, run[column] ?? null]))] : [];
        return { ok: true, rows, row_count: rows.length };
      }
      default:
        throw new Error(`the mock bridge does not know ${cmd}`);
    }
  }

  async close() {}
}
