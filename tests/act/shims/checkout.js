// Checks one commit out, as actions/checkout does: what stood in the folder is gone, the history is cut off, the
// remote is the address on GitHub. Git's own insteadOf leads the address elsewhere.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { flag, output, standIn } from "./stand-in.js";

const DOES = ["repository", "ref", "path", "fetch-depth", "persist-credentials", "clean", "show-progress", "token"];

await standIn("checkout", DOES, (input) => {
  const { GITHUB_WORKSPACE: workspace, GITHUB_REPOSITORY: own, GITHUB_SHA: sha } = process.env;
  const repository = input("repository", own);
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) throw new Error(`"${repository}" is no owner/name`);
  const ref = input("ref", repository === own ? sha : "HEAD");
  if (ref.startsWith("-")) throw new Error(`"${ref}" is no ref`);
  const depth = input("fetch-depth", "1");
  if (!/^\d+$/.test(depth)) throw new Error(`"${depth}" is no depth`);
  ["persist-credentials", "clean", "show-progress"].forEach((name) => flag(input(name, "true")));

  const path = resolve(workspace, input("path", "."));
  if (relative(workspace, path).startsWith("..")) throw new Error(`${path} is not below ${workspace}`);
  mkdirSync(path, { recursive: true });
  for (const entry of readdirSync(path)) rmSync(join(path, entry), { recursive: true, force: true });

  const git = (...words) => execFileSync("git", words, { cwd: path, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  git("init", "--quiet", "--template=");
  git("remote", "add", "origin", `https://github.com/${repository}`);
  git("fetch", "--quiet", "--no-tags", ...(depth === "0" ? [] : [`--depth=${depth}`]), "origin", ref);
  git("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD");
  const commit = git("rev-parse", "HEAD").trim();
  console.log(`${repository} is at ${commit}`);
  output("commit", commit);
  output("ref", ref);
});
