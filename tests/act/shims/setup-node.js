// Checks what it is asked and installs nothing: a job takes the Node that it finds on PATH.
import { flag, standIn } from "./stand-in.js";

await standIn("setup-node", ["node-version", "check-latest", "package-manager-cache"], (input) => {
  const version = input("node-version");
  if (!/^\d+(\.\d+){0,2}$/.test(version)) throw new Error(`"${version}" is no version of Node`);
  flag(input("check-latest", "false"));
  flag(input("package-manager-cache", "true"));
});
