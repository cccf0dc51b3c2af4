-- The control plane of the agents: what runs, what is handed over, what is reported.
CREATE TABLE IF NOT EXISTS agent_runs (
  id TEXT PRIMARY KEY,
  agent TEXT NOT NULL,
  status TEXT NOT NULL,
  summary TEXT,
  attempt INTEGER,
  updated_at TEXT
);

CREATE TABLE IF NOT EXISTS handoffs (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL,
  from_agent TEXT NOT NULL,
  to_agent TEXT NOT NULL,
  payload TEXT
);

CREATE TABLE IF NOT EXISTS control_plane_reports (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  body TEXT
);
