// Holds GraphQL exchanges, as they went over the wire, to GitHub's public schema.
//
//   node graphql.mjs < [{"request": {"query", "variables", "operationName"}, "answer": {"data"}}, …]
//
// The query must be valid. The answer must be one GitHub could give: the query is executed with the answer as its data,
// which checks every type, enum and null, and must come out unchanged: nothing is missing and nothing was not asked for.
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { GraphQLInt, buildSchema, execute, isAbstractType, parse, validate } from "graphql";

const definitions = new URL("node_modules/@octokit/graphql-schema/schema.graphql", import.meta.url);
const schema = buildSchema(readFileSync(definitions, "utf8"), { assumeValidSDL: true });

// The schema's `databaseId` is an Int of 32 bits, which GitHub's own ids have begun to outgrow. The fake numbers
// everything beyond 32 bits on purpose: what truncates an id is found out.
GraphQLInt.serialize = (value) => {
  if (Number.isSafeInteger(value)) return value;
  throw new TypeError(`${JSON.stringify(value)} is no integer`);
};

const mistakes = new Set();
for (const { request, answer } of JSON.parse(readFileSync(0, "utf8"))) {
  const name = request.operationName;
  const document = parse(request.query);
  for (const error of validate(schema, document)) mistakes.add(`${name}: ${error.message}`);
  if (!answer.data) continue;

  const { data, errors = [] } = execute({
    schema,
    document,
    operationName: name,
    variableValues: request.variables,
    rootValue: answer.data,
    // An answer is keyed by alias.
    fieldResolver: (source, _arguments, _context, info) => source[info.path.key],
    typeResolver: (value, _context, info, type) => value.__typename ?? onlyTypeAskedFor(info, document, type),
  });
  for (const error of errors) mistakes.add(`${name}, answered: ${error.path?.join(".")}: ${error.message}`);
  if (errors.length === 0) compare(JSON.parse(JSON.stringify(data)), answer.data, name);
}
if (mistakes.size > 0) {
  console.error([...mistakes].join("\n"));
  process.exit(1);
}

/** The type of an answer that does not say: the one the selection's fragments are on; any, when there are none. */
function onlyTypeAskedFor(info, document, type) {
  const fragments = new Map(document.definitions.map((definition) => [definition.name?.value, definition]));
  const types = new Set();
  const walk = (selections) => {
    for (const selection of selections) {
      const fragment = selection.kind === "FragmentSpread" ? fragments.get(selection.name.value) : selection;
      if (!fragment.typeCondition) continue;
      const condition = schema.getType(fragment.typeCondition.name.value);
      if (isAbstractType(condition)) walk(fragment.selectionSet.selections);
      else types.add(condition.name);
    }
  };
  for (const node of info.fieldNodes) walk(node.selectionSet.selections);
  if (types.size > 1) return `one of ${[...types].join(", ")}: the query must ask for __typename`;
  return [...types][0] ?? schema.getPossibleTypes(type)[0].name;
}

function compare(described, given, path) {
  if (isDeepStrictEqual(described, given)) return;
  if (isObject(described) && isObject(given)) {
    for (const key of new Set([...Object.keys(described), ...Object.keys(given)])) {
      if (!(key in given)) mistakes.add(`${path}.${key} was asked for and not answered`);
      else if (!(key in described)) mistakes.add(`${path}.${key} was answered and not asked for`);
      else compare(described[key], given[key], `${path}.${key}`);
    }
  } else {
    mistakes.add(`${path} is ${JSON.stringify(given)}, should be ${JSON.stringify(described)}`);
  }
}

function isObject(value) {
  return value !== null && typeof value === "object";
}
