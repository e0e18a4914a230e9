// Reads a tileset with loaders.gl, the reader of deck.gl; see answer.mjs.
//
// It shares no code with CesiumJS, 3d-tiles-tools and glTF-Transform.  Tileset3D builds the tree, links included, each
// tile fetches its content over HTTP as in a browser, and GLTFLoader decodes compression, feature ids and properties.

import { basename, dirname } from "node:path";
import { Tiles3DLoader } from "@loaders.gl/3d-tiles";
import { load } from "@loaders.gl/core";
import { Tileset3D } from "@loaders.gl/tiles";
import { Matrix4 } from "@math.gl/core";
import { serve } from "./serving.mjs";

const TRIANGLES = 4;

// A number as stored may be a part of the component's range (glTF 2.0, 3.6.2.2).
function scaleOf(accessor) {
  if (!accessor.normalized) return 1;
  return { 5120: 1 / 127, 5121: 1 / 255, 5122: 1 / 32767, 5123: 1 / 65535 }[accessor.componentType];
}

function extent(accessor, matrix) {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  const scale = scaleOf(accessor);
  for (let start = 0; start < accessor.value.length; start += 3) {
    const point = Array.from(accessor.value.subarray(start, start + 3), (number) => number * scale);
    const placed = matrix.transformAsPoint(point);
    for (let axis = 0; axis < 3; axis++) {
      low[axis] = Math.min(low[axis], placed[axis]);
      high[axis] = Math.max(high[axis], placed[axis]);
    }
  }
  return [low, high];
}

function localMatrix(node) {
  if (node.matrix) return new Matrix4(node.matrix);
  const matrix = new Matrix4();
  if (node.translation) matrix.translate(node.translation);
  if (node.rotation) matrix.multiplyRight(new Matrix4().fromQuaternion(node.rotation));
  if (node.scale) matrix.scale(node.scale);
  return matrix;
}

function readPrimitive(primitive, matrix) {
  const position = primitive.attributes.POSITION;
  const [low, high] = extent(position, matrix);
  const sets = primitive.extensions?.EXT_mesh_features?.featureIds ?? [];
  return {
    material: primitive.material?.name ?? "",
    triangles: (primitive.mode ?? TRIANGLES) === TRIANGLES ? (primitive.indices ?? position).count / 3 : 0,
    vertices: position.count,
    largest_index: primitive.indices ? primitive.indices.value.reduce((a, b) => Math.max(a, b), 0) : position.count - 1,
    low,
    high,
    // Not `data` of the set: loaders.gl 4.5 fills it before it decompresses, so that compressed ids come out wrong there.
    feature_ids: sets.map(({ label, propertyTable, attribute }) => ({
      label,
      table: propertyTable ?? null,
      distinct: [...new Set(primitive.attributes[`_FEATURE_ID_${attribute}`].value)].sort((a, b) => a - b),
    })),
  };
}

function readTable({ class: name, count, properties }) {
  const columns = Object.entries(properties).map(([id, { data }]) => [id, Array.from(data)]);
  const rows = Array.from({ length: count }, (_, row) => Object.fromEntries(columns.map(([id, data]) => [id, data[row]])));
  return { class: name, rows };
}

function readContent(tile, base) {
  const { gltf } = tile.content;
  const primitives = [];
  const walk = (node, above) => {
    const matrix = above.clone().multiplyRight(localMatrix(node));
    for (const primitive of node.mesh?.primitives ?? []) primitives.push(readPrimitive(primitive, matrix));
    for (const child of node.children ?? []) walk(child, matrix);
  };
  for (const node of (gltf.scene ?? gltf.scenes[0]).nodes) walk(node, new Matrix4(tile.computedTransform).rotateX(Math.PI / 2));
  return {
    uri: tile.contentUrl.slice(base.length + 1),
    is_leaf: tile.children.length === 0,
    primitives,
    tables: (gltf.extensions?.EXT_structural_metadata?.propertyTables ?? []).map(readTable),
  };
}

async function read(address) {
  const loadOptions = { gltf: { loadImages: false, loadBuffers: true, decompressMeshes: true }, core: { worker: false } };
  const tileset = new Tileset3D(await load(address, Tiles3DLoader, loadOptions), { loadOptions, throttleRequests: false });
  await tileset.tilesetInitializationPromise;
  const base = dirname(address);
  const found = { tiles: 0, contents: [] };
  const pending = [tileset.root];
  while (pending.length > 0) {
    const tile = pending.shift();
    await tile.loadContent();
    found.tiles += 1;
    if (tile.content?.gltf) found.contents.push(readContent(tile, base));
    pending.push(...tile.children);
    if (tile.hasRenderContent) tile.unloadContent();
  }
  return found;
}

/** Returns {tiles, contents: [{uri, is_leaf, primitives, tables}]} of a tileset.json, or of its http address. */
export default async function readTileset([argument]) {
  if (/^https?:/.test(argument)) return await read(argument);
  const { address, close } = await serve(dirname(argument));
  try {
    return await read(`${address}/${encodeURIComponent(basename(argument))}`);
  } finally {
    close();
  }
}
