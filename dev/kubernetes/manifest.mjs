// node manifest.mjs FILE…: validates each document in these files against Kubernetes' schema for its kind. Prints the problems; exit code 1 if there are any.
import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";

let wrong = 0;

function report(file, what, problem) {
  wrong++;
  console.error(`${file}: ${what}: ${problem}`);
}

async function modelOf({ apiVersion, kind }) {
  try {
    return (await import(`kubernetes-models/${apiVersion}/${kind}`))[kind];
  } catch (e) {
    if (e.code === "ERR_MODULE_NOT_FOUND" || e.code === "ERR_PACKAGE_PATH_NOT_EXPORTED") return undefined;
    throw e;
  }
}

async function check(file, document) {
  if (document.errors.length > 0) return document.errors.forEach(error => report(file, "YAML", error.message));
  const resource = document.toJS();
  const name = `${resource.kind} ${resource.metadata?.name}`;
  const Model = await modelOf(resource);
  if (Model === undefined) return report(file, name, `${resource.apiVersion} has no kind ${resource.kind}`);
  try {
    new Model(resource).validate();
  } catch (e) {
    report(file, name, e.message);
  }
}

const files = process.argv.slice(2);
let documents = 0;
for (const file of files) {
  for (const document of parseAllDocuments(readFileSync(file, "utf8"))) {
    documents++;
    await check(file, document);
  }
}
if (documents === 0) report(files.join(", "), "all", "nothing to check");
console.log(`${documents} documents, ${wrong} problems`);
process.exitCode = wrong > 0 ? 1 : 0;
