// Builds dist/ from src/. The sources are TypeScript that uses none of its types, so building is copying and renaming.
import { cpSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
cpSync(join(root, 'src'), dist, { recursive: true });
for (const name of readdirSync(dist, { recursive: true })) {
  if (name.endsWith('.ts')) renameSync(join(dist, name), join(dist, name.replace(/\.ts$/, '.js')));
}
