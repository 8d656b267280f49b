// Cuts the operations Seconder uses out of GitHub's OpenAPI description: the whole of it takes Prism half a minute.
//
//   node subset.mjs OUT.json < [{"operation": "checks/create", "method": "POST", "path": "/repos/…"}, …]
//
// Fails when GitHub describes an operation otherwise than the list says.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";

const require = createRequire(import.meta.url);
const whole = require("@octokit/openapi/generated/api.github.com.json");
const wanted = JSON.parse(readFileSync(0, "utf8"));
const out = process.argv[2];

const described = new Map();
for (const [path, item] of Object.entries(whole.paths)) {
  for (const [method, operation] of Object.entries(item)) {
    if (operation.operationId) described.set(operation.operationId, { method: method.toUpperCase(), path, operation });
  }
}

const subset = { openapi: whole.openapi, info: whole.info, paths: {}, components: {} };
const mistakes = [];
for (const { operation, method, path } of wanted) {
  const found = described.get(operation);
  if (!found) {
    mistakes.push(`GitHub describes no operation ${operation}`);
  } else if (found.method !== method || found.path !== path) {
    mistakes.push(`${operation} is ${found.method} ${found.path}, not ${method} ${path}`);
  } else {
    // What has a server of its own is kept below a path of its own; here all are one.
    const place = found.operation.servers ? `/uploads${path}` : path;
    delete found.operation.servers;
    (subset.paths[place] ??= {})[method.toLowerCase()] = found.operation;
    keep(found.operation);
  }
}
if (mistakes.length > 0) {
  console.error(mistakes.join("\n"));
  process.exit(1);
}
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, JSON.stringify(subset));

/** Keeps everything a value refers to. */
function keep(value) {
  if (value === null || typeof value !== "object") return;
  // Some of GitHub's own examples break its own schemas. Nothing here serves them.
  delete value.example;
  delete value.examples;
  if (typeof value.$ref === "string") {
    const [, kind, name] = value.$ref.match(/^#\/components\/([^/]+)\/(.+)$/);
    const part = (subset.components[kind] ??= {});
    if (!(name in part)) keep((part[name] = whole.components[kind][name]));
  }
  Object.values(value).forEach(keep);
}
