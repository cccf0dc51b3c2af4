// Fetches artifacts of a run, as actions/download-artifact does: one by its name into `path`; those that match `pattern`
// into one folder each below it, but a single one without a folder, and none is no failure. With `github-token` it asks
// the REST API, which hands out what any attempt of the run left; without it only this attempt's is handed out.
import { resolve } from "node:path";
import { minimatch } from "minimatch";
import { flag, oneOf, output, standIn } from "./stand-in.js";

const DOES = ["name", "path", "pattern", "merge-multiple", "digest-mismatch", "github-token", "run-id"];

await standIn("download-artifact", DOES, async (input) => {
  const path = resolve(process.env.GITHUB_WORKSPACE, input("path", "."));
  const mismatch = oneOf(input("digest-mismatch", "error"), "error", "warn", "info", "ignore");
  const merge = flag(input("merge-multiple", "false"));
  const options = where(input("github-token"), input("run-id"));
  const { DefaultArtifactClient } = await import("@actions/artifact"); // it reads the address of the API when it is loaded
  const client = new DefaultArtifactClient();
  const name = input("name");
  const chosen = name
    ? [(await client.getArtifact(name, options)).artifact]
    : (await client.listArtifacts({ latest: true, ...options })).artifacts.filter((artifact) =>
        minimatch(artifact.name, input("pattern", "*")),
      );
  for (const artifact of chosen) {
    const place = name || merge || chosen.length === 1 ? path : resolve(path, artifact.name);
    const asked = { ...options, path: place, expectedHash: artifact.digest };
    const { digestMismatch } = await client.downloadArtifact(artifact.id, asked);
    if (!digestMismatch) continue;
    const told = `the digest of ${artifact.name} is not ${artifact.digest}, which it had when it was uploaded`;
    if (mismatch === "error") throw new Error(told);
    console.log(told);
  }
  console.log(`Total of ${chosen.length} artifact(s) downloaded`);
  output("download-path", path);
});

function where(token, run) {
  if (run && !token) throw new Error("actions/download-artifact ignores run-id without github-token");
  if (!token) return {};
  process.env.GITHUB_API_URL = process.env.ACTIONS_RESULTS_URL.replace(/\/$/, ""); // where the artifacts of these tests are
  const [repositoryOwner, repositoryName] = process.env.GITHUB_REPOSITORY.split("/");
  const workflowRunId = Number(run || process.env.GITHUB_RUN_ID);
  return { findBy: { token, workflowRunId, repositoryOwner, repositoryName } };
}
