// Reads a JSON list of diagrams and writes a JSON list: null for one that mermaid's own parser takes, else its complaint.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

const { window } = new JSDOM("");
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");

const found = [];
for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    await mermaid.parse(text);
    found.push(null);
  } catch (error) {
    found.push(String(error.message ?? error));
  }
}
console.log(JSON.stringify(found));
