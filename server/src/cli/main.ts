#!/usr/bin/env node
import { runCli } from './run-cli';

void runCli(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}).then((code) => {
  // Not `process.exit`: output may still be on its way, and a running streamer keeps the process alive.
  process.exitCode = code;
});
