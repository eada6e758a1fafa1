// Checks GraphQL documents against GitHub's published schema.
//
//   node check-graphql.mjs < documents.json      # a JSON list of documents
//
// Prints one line per error; the exit code is 1 if there is any.
import {readFileSync} from "node:fs";
import {buildSchema, parse, validate} from "graphql";

const location = new URL("node_modules/@octokit/graphql-schema/schema.graphql", import.meta.url);
// The published schema defines a field twice, which graphql rejects unless the schema is assumed to be valid.
const schema = buildSchema(readFileSync(location, "utf8"), {assumeValidSDL: true});
const errors = JSON.parse(readFileSync(0, "utf8")).flatMap((document) => validate(schema, parse(document)));
for (const error of errors) console.log(error.message);
process.exit(errors.length ? 1 : 0);
