import type { Cesium3DTileset } from "@cesium/engine";
import type { Label, Labels } from "../twin/labels";

interface Schema {
  readonly classes: Readonly<Record<string, { readonly properties: Readonly<Record<string, Property>> }>>;
}

interface Property {
  readonly name?: string;
  readonly description?: string;
}

const NONE: Labels = new Map();

/** What a tileset's schema calls its properties; empty where it has none. */
export function labelsOf(tileset: Cesium3DTileset): Labels {
  // In CesiumJS' own documentation of `Cesium3DTileset`, but not in its type declarations.
  const { schema } = tileset as unknown as { readonly schema?: Schema };
  if (!schema) return NONE;
  const labels = Object.values(schema.classes).flatMap(({ properties }) =>
    Object.entries(properties).map(([id, { name, description }]): [string, Label] => [
      id,
      { name: name ?? "", description: description ?? "" },
    ]),
  );
  return new Map(labels);
}
