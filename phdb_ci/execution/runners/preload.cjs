// The record of what node's test runner did in one process. Loaded by --require into every node of a job.
//
// Every test, suite and file is an AsyncResource of the runner: async_hooks shows each one as it is made, also those
// that a filter drops without a word (node 22 and later), and at the end of the process how each of them ended. The
// record goes as JSON lines to a file of its own below $PHDB_CI_RECORDS: one line at the start, one at the end. What
// tests start is their own affair and leaves none. A package manager that replaces NODE_OPTIONS gets ours put back.
'use strict';

const { createHook } = require('node:async_hooks');
const { ChildProcess } = require('node:child_process');
const { appendFileSync } = require('node:fs');
const path = require('node:path');
const { isMainThread } = require('node:worker_threads');

const MOST = 2000; // names of one kind that are kept; every one is counted
const LONGEST = 300;
const MANAGERS = ['npm-cli.js', 'npx-cli.js', 'yarn.js', 'yarn', 'pnpm.cjs', 'corepack.js'];
const { PHDB_CI_RECORDS: records, PHDB_CI_INSIDE: inside, NODE_TEST_CONTEXT: context } = process.env;
const options = process.env.NODE_OPTIONS ?? '';

// Put our options back where a package manager starts a script of package.json with others (.npmrc: node-options).
const spawn = ChildProcess.prototype.spawn;
ChildProcess.prototype.spawn = function (started) {
  const pairs = started?.envPairs;
  if (Array.isArray(pairs) && pairs.some((pair) => pair.startsWith('npm_lifecycle_event='))) {
    const at = pairs.findIndex((pair) => pair.startsWith('NODE_OPTIONS='));
    const theirs = at < 0 ? '' : pairs[at].slice('NODE_OPTIONS='.length);
    if (!theirs.includes(__filename)) {
      pairs.splice(at < 0 ? pairs.length : at, 1, `NODE_OPTIONS=${theirs} ${options}`.trim());
    }
  }
  return spawn.call(this, started);
};

const isFile = context !== undefined && inside?.startsWith('node-');
const isManager = MANAGERS.includes(path.basename(process.argv[1] ?? ''));
if (records && isMainThread && !isManager && (isFile || !inside)) record();

function record() {
  const name = `node-${BigInt(Date.now()) * 1000000n + (process.hrtime.bigint() % 1000000n)}-${process.pid}`;
  const file = path.join(records, `${name}.jsonl`);
  const made = [];
  let began = false;
  let late = false;
  let ended = false;

  const put = (line) => appendFileSync(file, `${JSON.stringify(line)}\n`);

  function begin() {
    began = true;
    const args = [...process.execArgv.filter((word) => /^--test(-name-pattern|-skip-pattern|-only|-shard)?(=|$)/.test(word)), ...process.argv.slice(1)];
    put({
      runner: 'node', version: process.version, name, cwd: process.cwd(), worker_of: isFile ? inside : null,
      args: args.slice(0, 50).map((word) => word.slice(0, LONGEST)),
    });
    process.env.PHDB_CI_INSIDE = `file:${name}`;
    // Behind the runner's own listener, which decides on the exit code.
    process.nextTick(() => { late = true; process.on('exit', end); });
  }

  function end(code) {
    if (ended || !began) return;
    ended = true;
    put({ exit: process.exitCode ?? code, ...told(made, name) });
  }

  createHook({
    init(_id, type, _trigger, resource) {
      if (type !== 'Test') return;
      made.push(resource);
      if (!began) begin();
      // A runner of files: its children are parts of this run.
      if (resource.constructor.name === 'FileTest') process.env.PHDB_CI_INSIDE = name;
    },
  }).enable();
  if (isFile) begin();
  process.on('exit', (code) => { if (!late) end(code); });
}

function told(made, name) {
  const tests = made.filter((test) => test.constructor.name === 'Test' && test.name !== '<root>');
  const files = made.some((test) => test.constructor.name === 'FileTest');
  const suites = made.filter((test) => test.constructor.name === 'Suite');
  const lists = { executed: [], passed: [], failed: [], skipped: [], deselected: [], unfinished: [], empty: [] };
  for (const test of tests) {
    const title = titleOf(test);
    if (isFiltered(test)) lists.deselected.push([title, '']);
    else if (!test.finished) lists.unfinished.push([title, '']);
    else if (test.skipped || test.isTodo) lists.skipped.push([title, '']);
    else {
      lists.executed.push([title, '']);
      lists[test.passed ? 'passed' : 'failed'].push([title, messageOf(test)]);
    }
  }
  // A hook of a suite that fails is in no case of any report.
  for (const suite of suites) {
    if (!suite.filtered && suite.finished && !suite.passed && !suite.isTodo && failure(suite) !== 'subtestsFailed') {
      lists.failed.push([titleOf(suite), messageOf(suite)]);
    }
  }
  if (!files && tests.length === 0) lists.empty.push([path.basename(process.argv[1] ?? '?'), '']);
  const shard = isFile ? undefined : process.execArgv.find((word) => /^--test-shard=\d/.test(word));
  const dropped = shard ? [[`the files of the other shards (${shard})`, '']] : [];
  const counted = Object.entries({ ...lists, dropped }).map(([kind, names]) => [kind, dump(names)]);
  return {
    session: true, root: process.argv[1] ?? '', report: reportOf(), events: globalThis[Symbol.for(`phdb-ci`)] ?? null,
    ...Object.fromEntries(counted),
  };
}

function dump(names) {
  const cut = (text) => String(text).slice(0, LONGEST);
  return { count: names.length, names: names.slice(0, MOST).map(([name, message]) => [cut(name), cut(message)]) };
}

// What stands in a suite that was filtered is not marked itself; node 20 marks as skipped what it filters, and says why.
const FILTERED = ['test name does not match pattern', "'only' option not set"];

function isFiltered(test) {
  for (let at = test; at; at = at.parent) if (at.filtered) return true;
  return Boolean(test.skipped) && FILTERED.includes(test.message);
}

function titleOf(test) {
  const names = [];
  for (let at = test; at && at.name !== '<root>'; at = at.parent) names.unshift(at.name);
  return names.join(' > ');
}

function failure(test) {
  return test.error?.failureType;
}

function messageOf(test) {
  const error = test.error?.cause ?? test.error;
  return String(error?.message ?? error ?? '').split('\n')[0];
}

function reportOf() {
  if (isFile) return null;
  const places = [...options.matchAll(/--test-reporter-destination=("(?:[^"\\]|\\.)*"|\S+)/g)].map(([, place]) => place);
  const place = places.map((text) => text.replace(/^"|"$/g, '').replace(/\\(.)/g, '$1')).find((text) => text.endsWith('.xml'));
  return place ?? null;
}
