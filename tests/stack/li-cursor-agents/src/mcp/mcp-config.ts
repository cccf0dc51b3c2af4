// The MCP servers that an agent is given.
export const CONTROL_PLANE_LIQ_MCP_ID = 'li-control-plane-liq';

/** The server for reads in liq, where LI_CONTROL_PLANE_LIQ_MCP=1 asks for it; lidb is the store of that process alone. */
export function buildControlPlaneLiqMcpServers() {
  if (process.env.LI_CONTROL_PLANE_LIQ_MCP !== '1') return undefined;
  const env = { LI_CONTROL_PLANE_STORE: 'lidb' };
  return { [CONTROL_PLANE_LIQ_MCP_ID]: { type: 'stdio', command: 'node', args: ['dist/mcp/server.js'], env } };
}
