// After the build: a .br and a .gz beside each text and .wasm file, which the server sends as they are.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const COMPRESSIBLE = new Set([".css", ".html", ".js", ".json", ".svg", ".wasm", ".webmanifest"]);
const SMALLEST = 1024;
const WORTH_IT = 0.95;

const dist = fileURLToPath(new URL("./dist", import.meta.url));
for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !COMPRESSIBLE.has(extname(entry.name))) continue;
  const path = join(entry.parentPath ?? entry.path, entry.name);
  const plain = readFileSync(path);
  if (plain.length < SMALLEST) continue;
  const parameters = {
    [constants.BROTLI_PARAM_QUALITY]: 9,
    [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
  };
  for (const [suffix, packed] of [
    [".br", brotliCompressSync(plain, { params: parameters })],
    [".gz", gzipSync(plain, { level: 9 })],
  ]) {
    if (packed.length <= WORTH_IT * plain.length) writeFileSync(path + suffix, packed);
  }
}
