// Runs the Khronos glTF validator over files: node gltf_validate.mjs FILE... (or names on standard input, one a line).
// Prints one JSON array: [{"file", "messages": [{"code", "severity", "message", "pointer"}]}].

import { readFile } from "node:fs/promises";
import validator from "gltf-validator";

const MAX_ISSUES = 100;

async function names() {
  if (process.argv.length > 2) return process.argv.slice(2);
  let text = "";
  for await (const chunk of process.stdin) text += chunk;
  return text.split("\n").filter((line) => line !== "");
}

const reports = [];
for (const file of await names()) {
  const bytes = new Uint8Array(await readFile(file));
  const report = await validator.validateBytes(bytes, { uri: file, format: "glb", maxIssues: MAX_ISSUES });
  reports.push({ file, messages: report.issues.messages });
}
process.stdout.write(JSON.stringify(reports));
