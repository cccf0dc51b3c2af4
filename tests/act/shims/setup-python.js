// Checks what it is asked, and gives the job an environment of its own, as on a runner: on top of the packages of the
// interpreter that PHDB_CI_ACT_PYTHON names, so that what a lock file names is there; else what stands on PATH is taken.
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { flag, standIn } from "./stand-in.js";

await standIn("setup-python", ["python-version", "check-latest"], (input) => {
  const version = input("python-version");
  if (!/^3\.\d+(\.\d+)?$/.test(version)) throw new Error(`"${version}" is no version of Python`);
  flag(input("check-latest", "false"));
  const base = process.env.PHDB_CI_ACT_PYTHON;
  if (!base) return;
  const run = (...argv) => execFileSync(base, argv, { encoding: "utf8" }).trim();
  const site = run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))");
  const place = mkdtempSync(join(process.env.RUNNER_TEMP, "python-"));
  run("-m", "venv", "--without-pip", place);
  const own = execFileSync(join(place, "bin", "python"), ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], { encoding: "utf8" }).trim();
  writeFileSync(join(own, "base.pth"), `${site}\n`);
  appendFileSync(process.env.GITHUB_PATH, `${join(place, "bin")}\n`);
});
