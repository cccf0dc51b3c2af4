-- The control plane of the agents: what runs, in which state it is, what is queued and reported.
CREATE TABLE IF NOT EXISTS agent_runs (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  status TEXT NOT NULL,
  started_at TEXT,
  completed_at TEXT,
  briefing_hash TEXT,
  output TEXT
);

CREATE TABLE IF NOT EXISTS control_plane_state (
  id TEXT PRIMARY KEY,
  payload TEXT NOT NULL,
  updated_at TEXT
);

CREATE TABLE IF NOT EXISTS control_plane_reports (
  id TEXT PRIMARY KEY,
  briefing_hash TEXT,
  generated_at TEXT,
  payload TEXT
);

CREATE TABLE IF NOT EXISTS briefing_snapshots (
  briefing_hash TEXT PRIMARY KEY,
  generated_at TEXT,
  payload TEXT
);

CREATE TABLE IF NOT EXISTS queued_agent_tasks (
  fingerprint TEXT PRIMARY KEY,
  briefing_hash TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  reason TEXT,
  payload TEXT
);
