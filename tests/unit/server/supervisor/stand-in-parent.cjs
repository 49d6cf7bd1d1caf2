// The parent of a supervised child, to be killed. Tells the pid of that child on stdout.
const fs = require('node:fs');
const path = require('node:path');
const ts = require('typescript');

require.extensions['.ts'] = (module, file) => {
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true };
  module._compile(ts.transpileModule(fs.readFileSync(file, 'utf8'), { compilerOptions }).outputText, file);
};
const { forkLauncher } = require('../../../../server/src/supervisor/fork-child');
const { Supervisor } = require('../../../../server/src/supervisor/supervisor');

const log = { info() {}, warn: console.error, error: console.error };
const supervisor = new Supervisor({
  name: 'child',
  log,
  startSeconds: 0,
  startTimeoutSeconds: 10,
  startRetries: 0,
  backoff: { firstSeconds: 1, capSeconds: 1 },
  stopWaitSeconds: 10,
  launch: forkLauncher({
    entry: () => path.join(__dirname, 'stand-in-child.cjs'),
    settings: () => ({}),
    onListening: () => process.stdout.write(`${supervisor.status().pid}\n`),
  }),
});
supervisor.start();
