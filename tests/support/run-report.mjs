// A reporter of vitest: writes what `tests/run.mjs` counts to the file that RUN_REPORT names.
import { writeFileSync } from 'node:fs';

/** @typedef {{ file: string, title: string, reason: string }} Failure */
/** @typedef {{ passed: number, skipped: string[], failed: Failure[] }} RunReport */

/** @param {readonly { message?: string, stack?: string }[]} errors */
const reasonOf = ([error]) => error?.stack || error?.message || 'no reason was given';

export default class {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly import('vitest').SerializedError[]} unhandled
   */
  onTestRunEnd(modules, unhandled) {
    /** @type {RunReport} */
    const report = { passed: 0, skipped: [], failed: [] };
    for (const error of unhandled)
      report.failed.push({ file: '', title: 'outside all files', reason: reasonOf([error]) });
    for (const module of modules) {
      const file = module.relativeModuleId;
      // What breaks around tests, in a hook for instance, leaves them unrun and without an error of their own.
      for (const around of [module, ...module.children.allSuites()]) {
        const title = around.type === 'suite' ? `around ${around.fullName}` : 'outside its tests';
        const errors = around.errors();
        if (errors.length > 0) report.failed.push({ file, title, reason: reasonOf(errors) });
      }
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        if (state === 'passed') report.passed += 1;
        else if (state === 'failed') report.failed.push({ file, title: test.fullName, reason: reasonOf(errors) });
        else report.skipped.push(test.fullName);
      }
    }
    writeFileSync(process.env.RUN_REPORT ?? '', JSON.stringify(report));
  }
}
