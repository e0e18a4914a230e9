import { type Cesium3DTile, Cesium3DTileFeature, type Scene, ShadowMode } from "@cesium/engine";
import type { Choice } from "../layers/kind";
import type { Attributes } from "../twin/attributes";
import type { Clay } from "./clay";
import { Tiles } from "./tiles";

interface Content {
  readonly featuresLength: number;
  getFeature(index: number): Cesium3DTileFeature;
}

/** Buildings on the stage: their tiles, and which features belong to which building. */
export class Buildings {
  private readonly byBuilding = new Map<string, Set<Cesium3DTileFeature>>();
  private readonly byTile = new Map<Cesium3DTile, readonly [string, Cesium3DTileFeature][]>();

  private constructor(readonly tiles: Tiles) {}

  static async load(scene: Scene, url: string, clay: Clay): Promise<Buildings> {
    const tiles = await Tiles.load(scene, url, {
      featureIdLabel: "building",
      shadows: ShadowMode.ENABLED,
      backFaceCulling: true,
      maximumScreenSpaceError: 12,
      cacheBytes: 384 * 1024 * 1024,
      dynamicScreenSpaceError: true,
    });
    tiles.tileset.customShader = clay.shader;
    const buildings = new Buildings(tiles);
    tiles.onTile(
      (tile) => buildings.index(tile),
      (tile) => buildings.forget(tile),
    );
    return buildings;
  }

  /** The features of a building (and of all its parts) in the tiles that are there. */
  features(building: string): readonly Cesium3DTileFeature[] {
    return [...(this.byBuilding.get(building) ?? [])];
  }

  /** The row of the property table of a building, or of one of its parts; null as long as its tile is not there. */
  attributes(building: string): Attributes | null {
    const [feature] = this.features(building);
    return feature ? attributesOf(feature) : null;
  }

  pick(picked: unknown): Choice | null {
    if (!(picked instanceof Cesium3DTileFeature) || picked.tileset !== this.tiles.tileset) return null;
    const attributes = attributesOf(picked);
    return typeof attributes.id === "string" ? { id: attributes.id, attributes } : null;
  }

  private index(tile: Cesium3DTile): void {
    const content = tile.content as unknown as Content;
    const found: [string, Cesium3DTileFeature][] = [];
    for (let i = 0; i < content.featuresLength; i += 1) {
      const feature = content.getFeature(i);
      const id: unknown = feature.getProperty("id");
      if (typeof id !== "string" || id === "") continue;
      found.push([id, feature]);
      const same = this.byBuilding.get(id);
      if (same) same.add(feature);
      else this.byBuilding.set(id, new Set([feature]));
    }
    this.byTile.set(tile, found);
  }

  private forget(tile: Cesium3DTile): void {
    for (const [id, feature] of this.byTile.get(tile) ?? []) {
      const same = this.byBuilding.get(id);
      same?.delete(feature);
      if (same?.size === 0) this.byBuilding.delete(id);
    }
    this.byTile.delete(tile);
  }
}

/** The row of the property table that a feature stands for. */
function attributesOf(feature: Cesium3DTileFeature): Attributes {
  const attributes: Record<string, unknown> = {};
  for (const id of feature.getPropertyIds()) attributes[id] = feature.getProperty(id);
  return attributes;
}
