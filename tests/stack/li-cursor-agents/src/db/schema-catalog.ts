// The tables of the control plane that an agent may read.
export const CONTROL_PLANE_TABLES = [
  { name: 'agent_runs', key_columns: ['id', 'run_id', 'agent_id', 'status', 'started_at'] },
  { name: 'control_plane_state', key_columns: ['id', 'payload', 'updated_at'] },
  { name: 'control_plane_reports', key_columns: ['id', 'briefing_hash', 'generated_at'] },
];
