// Runs the Khronos glTF validator over files; see answer.mjs.

import { readFile } from "node:fs/promises";
import validator from "gltf-validator";

const MAX_ISSUES = 100;

/** Returns [{file, messages: [{code, severity, message, pointer}]}] of the files whose names are the lines of a text. */
export default async function validate(_, names) {
  const reports = [];
  for (const file of names.split("\n")) {
    const bytes = new Uint8Array(await readFile(file));
    const report = await validator.validateBytes(bytes, { uri: file, format: "glb", maxIssues: MAX_ISSUES });
    reports.push({ file, messages: report.issues.messages });
  }
  return reports;
}
