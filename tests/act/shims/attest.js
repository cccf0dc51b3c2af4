// Signs nothing; says which files it was asked to sign, and their digests. The real action fails when there is none.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { create } from "@actions/glob";
import { standIn } from "./stand-in.js";

await standIn("attest", ["subject-path"], async (input) => {
  const globber = await create(input("subject-path"), { matchDirectories: false });
  const files = await globber.glob();
  if (files.length === 0) throw new Error(`could not find a subject at ${input("subject-path") || "no path at all"}`);
  for (const file of files) {
    console.log(`attested ${file} sha256:${createHash("sha256").update(readFileSync(file)).digest("hex")}`);
  }
});
