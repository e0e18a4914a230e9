// Reads a tileset with 3d-tiles-tools and glTF-Transform; see answer.mjs.
//
// Nothing of the project takes part: the tree is walked, buffers are decoded, properties are read and vertices are held
// against bounding volumes by code of others.

import { open, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname } from "node:path";
import tools from "3d-tiles-tools";

// Required, not imported: 3d-tiles-tools has loaded this build already, and the modules would be a thousand files more.
const { Matrix4 } = createRequire(import.meta.url)("cesium");

const EPSILON_M = 1e-5;
const { BinaryPropertyModels, BoundingVolumesContainment, FileResourceResolver, GltfTransform, TilesetTraverser } = tools;

class Arrays {
  constructor(file) {
    this.file = file;
    this.offset = 0;
  }

  async write(numbers) {
    const data = Float64Array.from(numbers);
    await this.file.write(new Uint8Array(data.buffer));
    const place = [this.offset, data.length];
    this.offset += data.byteLength;
    return place;
  }
}

function plain(value) {
  if (typeof value === "bigint") return Number(value);
  if (ArrayBuffer.isView(value)) return Array.from(value, plain);
  return Array.isArray(value) ? value.map(plain) : value;
}

function readTable(table, schema) {
  const rows = Array.from({ length: table.getCount() }, () => ({}));
  const definition = schema.getClass(table.getClass());
  for (const id of table.listPropertyKeys()) {
    const column = table.getProperty(id);
    const property = definition.getProperty(id);
    const enumType = property.getEnumType();
    const bytes = (view) => (view ? Buffer.from(view) : undefined);
    const model = BinaryPropertyModels.createPropertyModelInternal(
      id,
      property.getType(),
      property.getComponentType() ?? undefined,
      property.getArray(),
      property.getCount() ?? undefined,
      bytes(column.getValues()),
      bytes(column.getArrayOffsets()),
      column.getArrayOffsetType(),
      bytes(column.getStringOffsets()),
      column.getStringOffsetType(),
      enumType ? schema.getEnum(enumType).getValueType() : undefined,
    );
    rows.forEach((row, index) => {
      row[id] = plain(model.getPropertyValue(index));
    });
  }
  return { class: table.getClass(), rows };
}

async function readPrimitive(primitive, matrix, tables, arrays) {
  const position = primitive.getAttribute("POSITION");
  const positions = new Float64Array(position.getCount() * 3);
  const point = [0, 0, 0];
  for (let i = 0; i < position.getCount(); i++) {
    positions.set(position.getElement(i, point), 3 * i);
  }
  const indices = primitive.getIndices();
  const featureIds = [];
  for (const set of primitive.getExtension("EXT_mesh_features")?.listFeatureIDs() ?? []) {
    const values = primitive.getAttribute(`_FEATURE_ID_${set.getAttribute()}`).getArray();
    const table = set.getPropertyTable();
    featureIds.push({
      label: set.getLabel(),
      feature_count: set.getFeatureCount(),
      table: table ? tables.indexOf(table) : null,
      values: await arrays.write(values),
    });
  }
  // What points are besides their place; meshes have feature ids instead.
  const attributes = {};
  if (primitive.getMode() === 0) {
    for (const name of primitive.listSemantics().filter((each) => each !== "POSITION")) {
      const attribute = primitive.getAttribute(name);
      attributes[name] = { width: attribute.getElementSize(), values: await arrays.write(attribute.getArray()) };
    }
  }
  return {
    attributes,
    material: primitive.getMaterial()?.getName() ?? "",
    mode: primitive.getMode(),
    matrix: Array.from(matrix),
    positions: await arrays.write(positions),
    indices: await arrays.write(indices ? indices.getArray() : Array.from({ length: position.getCount() }, (_, i) => i)),
    feature_ids: featureIds,
  };
}

async function readContent(bytes, arrays) {
  const document = await (await GltfTransform.getIO()).readBinary(new Uint8Array(bytes));
  const root = document.getRoot();
  const metadata = root.getExtension("EXT_structural_metadata");
  const tables = metadata?.listPropertyTables() ?? [];
  const primitives = [];
  const scene = root.getDefaultScene() ?? root.listScenes()[0];
  const nodes = [];
  scene?.traverse((node) => nodes.push(node));
  for (const node of nodes) {
    for (const primitive of node.getMesh()?.listPrimitives() ?? []) {
      primitives.push(await readPrimitive(primitive, node.getWorldMatrix(), tables, arrays));
    }
  }
  return { primitives, tables: tables.map((table) => readTable(table, metadata.getSchema())) };
}

// The volumes of a tile and all above it, each with the matrix that leads from the tileset's frame into its own.
function enclosing(tile) {
  const chain = [];
  for (let t = tile; t; t = t.getParent()) chain.unshift(t);
  let matrix = Matrix4.clone(Matrix4.IDENTITY);
  const volumes = [];
  for (const t of chain) {
    const { transform, boundingVolume } = t.asFinalTile();
    if (transform) matrix = Matrix4.multiply(matrix, Matrix4.fromArray(transform), new Matrix4());
    const inverse = boundingVolume.region ? Matrix4.IDENTITY : Matrix4.inverse(matrix, new Matrix4());
    volumes.push({ volume: boundingVolume, inverse, path: t.path });
  }
  return { volumes, transform: Matrix4.toArray(matrix) };
}

function apply(matrix, p) {
  return [0, 1, 2].map((row) => matrix[row] * p[0] + matrix[row + 4] * p[1] + matrix[row + 8] * p[2] + matrix[row + 12]);
}

async function countOutside(bytes, uri, transform, volumes) {
  const outside = {};
  const inverses = volumes.map(({ inverse }) => Matrix4.toArray(inverse));
  await tools.VertexProcessing.fromContent(uri, bytes, async () => undefined, true, (p) => {
    const placed = apply(transform, p);
    volumes.forEach(({ volume, path }, i) => {
      if (!BoundingVolumesContainment.contains(volume, apply(inverses[i], placed), EPSILON_M)) {
        outside[path] = (outside[path] ?? 0) + 1;
      }
    });
  });
  return outside;
}

async function read(tilesetPath, arrays) {
  const resolver = new FileResourceResolver(dirname(tilesetPath));
  const tileset = JSON.parse(await readFile(tilesetPath, "utf-8"));
  const traverser = new TilesetTraverser(".", resolver, { depthFirst: true, traverseExternalTilesets: true });
  const found = { name: basename(tilesetPath), tiles: 0, contents: [] };
  const pending = [];
  await traverser.traverse(tileset, async (tile) => {
    found.tiles += 1;
    pending.push(tile);
    return true;
  });
  for (const tile of pending) {
    const { transform, volumes } = enclosing(tile);
    const final = tile.asFinalTile();
    for (const content of tile.getFinalContents()) {
      const bytes = await tile.getResourceResolver().resolveData(content.uri);
      if (!bytes) throw new Error(`${tile.path}: ${content.uri} cannot be read`);
      if (bytes.subarray(0, 4).toString("latin1") !== "glTF") continue; // an external tileset, walked already
      found.contents.push({
        uri: content.uri,
        path: tile.path,
        level: tile.level,
        is_leaf: !final.children?.length,
        refine: final.refine ?? null,
        transform,
        outside: await countOutside(bytes, content.uri, transform, volumes),
        ...(await readContent(bytes, arrays)),
      });
    }
  }
  return found;
}

/**
 * Returns the whole tileset; numbers go to the file at `arraysPath` (little-endian float64, 8-byte aligned).
 *
 * In what is returned an array is [byte offset, number of float64].
 */
export default async function readTileset([tilesetPath, arraysPath]) {
  const file = await open(arraysPath, "w");
  try {
    return await read(tilesetPath, new Arrays(file));
  } finally {
    await file.close();
  }
}
