// Zips what `path` matches and hands it to the artifact server, as actions/upload-artifact does.
import { statSync } from "node:fs";
import { dirname, sep } from "node:path";
import { ArtifactNotFoundError, DefaultArtifactClient } from "@actions/artifact";
import { create } from "@actions/glob";
import { flag, oneOf, output, standIn } from "./stand-in.js";

const DOES = ["name", "path", "if-no-files-found", "retention-days", "compression-level", "overwrite", "include-hidden-files"];

await standIn("upload-artifact", DOES, async (input) => {
  const name = input("name", "artifact");
  if (input("path") === "") throw new Error('the input "path" is required');
  const overwrite = flag(input("overwrite", "false"));
  const missing = oneOf(input("if-no-files-found", "warn"), "warn", "error", "ignore");
  const { files, root } = await find(input("path"), flag(input("include-hidden-files", "false")));
  if (files.length === 0) {
    const told = `no files were found with the path ${input("path")}: no artifact ${name}`;
    if (missing === "error") throw new Error(told);
    console.log(missing === "warn" ? `::warning::${told}` : told);
    return;
  }
  const client = new DefaultArtifactClient();
  if (overwrite) await forget(client, name);
  const { id, digest } = await client.uploadArtifact(name, files, root, {
    compressionLevel: number(input("compression-level", "6"), 9),
    ...(input("retention-days") && { retentionDays: number(input("retention-days"), 90) }),
  });
  output("artifact-id", id);
  output("artifact-digest", digest);
});

// The zip's root is the one path that was searched, its folder when that is a file, else what all of them share.
async function find(path, hidden) {
  const globber = await create(path, { implicitDescendants: true, matchDirectories: false, excludeHiddenFiles: !hidden });
  const files = await globber.glob();
  const searched = globber.getSearchPaths();
  if (searched.length > 1) return { files, root: shared(searched) };
  return { files, root: files.length === 1 && files[0] === searched[0] ? dirname(files[0]) : searched[0] };
}

function shared(paths) {
  const parts = paths.map((path) => (statSync(path).isFile() ? dirname(path) : path).split(sep));
  const end = parts[0].findIndex((part, at) => parts.some((other) => other[at] !== part));
  return parts[0].slice(0, end === -1 ? undefined : end).join(sep) || sep;
}

async function forget(client, name) {
  try {
    await client.deleteArtifact(name);
  } catch (error) {
    if (!(error instanceof ArtifactNotFoundError)) throw error;
  }
}

function number(text, most) {
  if (!/^\d+$/.test(text) || Number(text) > most) throw new Error(`"${text}" is no number up to ${most}`);
  return Number(text);
}
