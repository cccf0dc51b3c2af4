// Prints the store that the agents take where nothing is set: `node store.mjs MODULE FUNCTION`.
// A JavaScript module is imported. Of a TypeScript module, which may not be built, the function alone is run, cut out of
// its file with its types taken off.
import { readFileSync } from 'node:fs';
import nodeModule from 'node:module';
import { pathToFileURL } from 'node:url';

const [file, name] = process.argv.slice(2);

function cutOut(source) {
  const [text] = source.match(new RegExp(`function ${name}\\([\\s\\S]*?\\n}`)) ?? [];
  if (!text) throw new Error(`${file} has no function ${name}`);
  const script = nodeModule.stripTypeScriptTypes?.(text) ?? text.replace(/\)\s*:[^{]*\{/, ') {');
  return new Function(`${script}\nreturn ${name};`)();
}

const module = file.endsWith('.ts') ? { [name]: cutOut(readFileSync(file, 'utf8')) } : await import(pathToFileURL(file));
console.log(module[name]());
