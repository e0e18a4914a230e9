// Runs scripts of this folder, one after the other: node answer.mjs
//
// One process for all of them, since their packages take longer to load than most tilesets take to be read. Each line of
// standard input is {"script", "arguments", "text"}; each line of standard output {"found"} or {"error"}.

import { createInterface } from "node:readline";

// What packages say must not come between the answers.
console.log = console.info = console.debug = console.warn = console.error;

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const { script, arguments: given, text } = JSON.parse(line);
    const { default: run } = await import(`./${script}`);
    answer = { found: await run(given, text) };
  } catch (error) {
    answer = { error: error?.stack ?? String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit();
