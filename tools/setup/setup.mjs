#!/usr/bin/env node
// The entry runs on whatever Node the user has, before anything is installed: it only checks that this
// Node is new enough to load the rest, so that an old one gets a sentence instead of a syntax error.
const major = Number(process.versions.node.split('.')[0]);
if (major < 18) {
  console.error(
    `setup: this is Node ${process.versions.node}; set-up needs Node 18 or newer to fetch its own Node 24.`,
  );
  process.exit(1);
}
const { main } = await import('./src/main.mjs');
process.exitCode = await main(process.argv.slice(2));
