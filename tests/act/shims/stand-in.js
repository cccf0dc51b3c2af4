// What every stand-in shares: inputs, outputs, and how one fails.
//
// inputs.json holds the input names of the real actions. GitHub only warns of an unknown input and goes on with the
// default; a stand-in fails. It fails, too, of an input that the real action has and the stand-in does nothing for.
import { appendFileSync } from "node:fs";
import names from "./inputs.json";

export async function standIn(action, implemented, body) {
  try {
    check(action, implemented);
    await body(input);
  } catch (error) {
    console.log(`::error::${error.message.replaceAll("\n", "%0A")}`);
    process.exitCode = 1;
    await new Promise((resolve) => setTimeout(resolve, 300)); // act reads nothing more when it has ended
  }
}

function check(action, implemented) {
  for (const [variable, value] of Object.entries(process.env)) {
    if (!variable.startsWith("INPUT_")) continue;
    const name = variable.slice("INPUT_".length).toLowerCase();
    if (!names[action].includes(name)) throw new Error(`actions/${action} has no input "${name}"`);
    if (value !== "" && !implemented.includes(name)) {
      throw new Error(`the stand-in for actions/${action} knows the input "${name}" and does nothing for it`);
    }
  }
}

function input(name, fallback = "") {
  return process.env[`INPUT_${name.toUpperCase()}`]?.trim() || fallback;
}

export function flag(text) {
  if (!["true", "false"].includes(text)) throw new Error(`"${text}" is neither true nor false`);
  return text === "true";
}

export function oneOf(text, ...allowed) {
  if (!allowed.includes(text)) throw new Error(`"${text}" is none of ${allowed.join(", ")}`);
  return text;
}

export function output(name, value) {
  appendFileSync(process.env.GITHUB_OUTPUT, `${name}=${value}\n`);
}
