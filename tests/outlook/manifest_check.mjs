// Checks files against Microsoft's schemas of unified manifests: node manifest_check.mjs VERSION SCHEMA FILE…
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { resolve } = createRequire(import.meta.url);
const manifest = resolve("@microsoft/app-manifest");
const require = createRequire(manifest);
const Ajv = require("ajv-draft-04").default;
const addFormats = require("ajv-formats").default;

const [version, schema, ...files] = process.argv.slice(2);
const folder = new URL(`json-schemas/teams/v${version}/`, `file://${manifest}`);
// The schema's patterns are no valid ones in Unicode mode.
const ajv = new Ajv({ allErrors: true, strict: false, unicodeRegExp: false });
addFormats(ajv);
const check = ajv.compile(JSON.parse(readFileSync(new URL(schema, folder))));
for (const file of files) {
  if (!check(JSON.parse(readFileSync(file)))) {
    console.log(file, JSON.stringify(check.errors, null, 1));
    process.exitCode = 1;
  }
}
