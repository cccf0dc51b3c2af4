// What the runner says in public of the tests of one run, for the record that preload.cjs writes: a second opinion.
const told = (globalThis[Symbol.for('phdb-ci')] = { passed: 0, failed: 0, failing: [] });

export default async function* reporter(source) {
  for await (const { type, data } of source) {
    if (type === 'test:pass' && data.details?.type !== 'suite') told.passed += 1;
    if (type === 'test:fail' && data.todo === undefined && data.details?.error?.failureType !== 'subtestsFailed') {
      told.failed += 1;
      if (told.failing.length < 20) told.failing.push([data.name, String(data.details?.error?.message ?? '')]);
    }
  }
  yield '';
}
