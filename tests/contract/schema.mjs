// Holds policy files against the schema that editors use.
//
//   node schema.mjs SCHEMA.json < [{"title": "…", "file": {…}, "valid": true}, …]
//
// Fails when a file is valid that should not be, or the other way round.
import { readFileSync } from "node:fs";
import Ajv2020 from "ajv/dist/2020.js";

const validate = new Ajv2020({ allErrors: false, strict: true, strictRequired: false, strictTypes: false }).compile(
  JSON.parse(readFileSync(process.argv[2], "utf8")),
);
const wrong = [];
for (const { title, file, valid } of JSON.parse(readFileSync(0, "utf8"))) {
  if (validate(file) === valid) continue;
  const why = valid ? validate.errors.map((error) => `${error.instancePath} ${error.message}`).join("; ") : "is valid";
  wrong.push(`${title}: ${why}`);
}
if (wrong.length) {
  process.stderr.write(`${wrong.join("\n")}\n`);
  process.exit(1);
}
