// Fetches artifacts of this run, as actions/download-artifact does: one by its name into `path`; those that match
// `pattern` into one folder each below it, also when only one matches, and none is no failure.
import { resolve } from "node:path";
import { DefaultArtifactClient } from "@actions/artifact";
import { minimatch } from "minimatch";
import { flag, oneOf, output, standIn } from "./stand-in.js";

const DOES = ["name", "path", "pattern", "merge-multiple", "digest-mismatch"];

await standIn("download-artifact", DOES, async (input) => {
  const path = resolve(process.env.GITHUB_WORKSPACE, input("path", "."));
  const mismatch = oneOf(input("digest-mismatch", "error"), "error", "warn", "info", "ignore");
  const merge = flag(input("merge-multiple", "false"));
  const client = new DefaultArtifactClient();
  const chosen = await choose(client, input("name"), input("pattern", "*"));
  for (const artifact of chosen) {
    const place = input("name") || merge ? path : resolve(path, artifact.name);
    const { digestMismatch } = await client.downloadArtifact(artifact.id, { path: place, expectedHash: artifact.digest });
    if (!digestMismatch) continue;
    const told = `the digest of ${artifact.name} is not ${artifact.digest}, which it had when it was uploaded`;
    if (mismatch === "error") throw new Error(told);
    console.log(told);
  }
  console.log(`Total of ${chosen.length} artifact(s) downloaded`);
  output("download-path", path);
});

async function choose(client, name, pattern) {
  const { artifacts } = await client.listArtifacts({ latest: true });
  if (!name) return artifacts.filter((artifact) => minimatch(artifact.name, pattern));
  const found = artifacts.filter((artifact) => artifact.name === name);
  if (found.length === 0) throw new Error(`Artifact not found for name: ${name}`);
  return found;
}
