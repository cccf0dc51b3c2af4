// Builds dist/ from src/: plain JavaScript, so building is copying.
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });
cpSync(`${root}src`, `${root}dist`, { recursive: true });
