// node lint.mjs FILE…: checks these OpenAPI documents against Spectral's rules for OpenAPI. Prints the problems, warnings too; exit code 1 if there are any.
import { readFileSync } from "node:fs";
import core from "@stoplight/spectral-core";
import parsers from "@stoplight/spectral-parsers";
import rulesets from "@stoplight/spectral-rulesets";

const spectral = new core.Spectral();
spectral.setRuleset({ extends: [rulesets.oas] });

const files = process.argv.slice(2);
let problems = 0;
for (const file of files) {
  for (const { code, message, path, range } of await spectral.run(new core.Document(readFileSync(file, "utf8"), parsers.Json, file))) {
    problems++;
    console.error(`${file}:${range.start.line + 1}: ${code}: ${message} (${path.join(".")})`);
  }
}
console.log(`${files.length} documents, ${problems} problems`);
process.exitCode = files.length === 0 || problems > 0 ? 1 : 0;
