// Prints the store that the agents take where nothing is set: `node store.mjs MODULE FUNCTION`.
// The module is TypeScript, which may not be built: the function alone is run, cut out of its file with its types taken
// off.
import { readFileSync } from 'node:fs';
import nodeModule from 'node:module';

const [file, name] = process.argv.slice(2);
const [text] = readFileSync(file, 'utf8').match(new RegExp(`function ${name}\\([\\s\\S]*?\\n}`)) ?? [];
if (!text) throw new Error(`${file} has no function ${name}`);
const script = nodeModule.stripTypeScriptTypes?.(text) ?? text.replace(/\)\s*:[^{]*\{/, ') {');
console.log(new Function(`${script}\nreturn ${name};`)()());
