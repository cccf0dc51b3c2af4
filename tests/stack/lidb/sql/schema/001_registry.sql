-- The package registry: who publishes, what, in which versions.
CREATE TABLE IF NOT EXISTS publishers (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  public_key TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS packages (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  description TEXT,
  repository_url TEXT
);

CREATE TABLE IF NOT EXISTS package_versions (
  id TEXT PRIMARY KEY,
  package_id TEXT NOT NULL,
  version TEXT NOT NULL,
  tree_digest TEXT NOT NULL,
  coverage_pct REAL,
  publisher_id TEXT NOT NULL,
  published_at INTEGER
);

CREATE TABLE IF NOT EXISTS attestations (
  id TEXT PRIMARY KEY,
  package_version_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  digest TEXT NOT NULL
);
