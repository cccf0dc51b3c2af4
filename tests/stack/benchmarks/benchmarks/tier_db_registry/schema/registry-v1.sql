-- The registry on Postgres.
CREATE TABLE packages (id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT);
CREATE TABLE package_versions (
  id TEXT PRIMARY KEY,
  package_id TEXT NOT NULL,
  version TEXT NOT NULL,
  tree_digest TEXT NOT NULL,
  publisher_id TEXT NOT NULL,
  published_at BIGINT
);
