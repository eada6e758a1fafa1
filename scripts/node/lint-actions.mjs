// Checks workflows and action.yml files with GitHub's own language service.
//
//   node lint-actions.mjs REPOSITORY FILE...
//
// Prints one line per finding; the exit code is 1 if there is any. References to this repository
// (`ghmlops/ghmlops/...@v1`) are resolved to its files, so that a wrong input of an action or workflow is reported too.
import {readFile} from "node:fs/promises";
import {register} from "node:module";
import path from "node:path";
import {pathToFileURL} from "node:url";
import {TextDocument} from "vscode-languageserver-textdocument";
import {parse} from "yaml";

register("./json-modules.mjs", import.meta.url);
const {registerLogger, validate} = await import("@actions/languageservice");

const [root, ...files] = process.argv.slice(2);
let findings = 0;

function report(where, message) {
  findings += 1;
  console.log(`${where}: ${message}`);
}

const isOurs = (reference) => reference.owner === "ghmlops" && (reference.name ?? reference.repository) === "ghmlops";

const config = {
  actionsMetadataProvider: {
    async fetchActionMetadata(action) {
      if (!isOurs(action)) return {name: action.name, description: ""}; // actionlint checks well-known actions
      try {
        return parse(await readFile(path.join(root, action.path ?? "", "action.yml"), "utf8"));
      } catch {
        return undefined; // the service reports that it cannot be resolved
      }
    },
  },
  fileProvider: {
    async getFileContent(reference) {
      if ("repository" in reference && !isOurs(reference)) throw new Error(`${reference.owner} is not ours`);
      return {name: reference.path, content: await readFile(path.join(root, reference.path), "utf8")};
    },
  },
};

const complain = (message) => report("language service", message);
registerLogger({error: complain, warn: complain, info() {}, log() {}});

for (const file of files) {
  const uri = pathToFileURL(path.resolve(file)).href;
  const text = await readFile(file, "utf8");
  for (const found of await validate(TextDocument.create(uri, "yaml", 1, text), config)) {
    const {line, character} = found.range.start;
    report(`${file}:${line + 1}:${character + 1}`, found.message);
  }
}
console.log(`${files.length} files checked`);
process.exit(findings || files.length === 0 ? 1 : 0);
