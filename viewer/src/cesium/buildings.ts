import {
  type Cesium3DTile,
  Cesium3DTileFeature,
  Cesium3DTileset,
  RequestErrorEvent,
  type Scene,
  ShadowMode,
} from "@cesium/engine";
import type { Attributes } from "../twin/attributes";
import type { Clay } from "./clay";

export interface Progress {
  readonly done: number;
  readonly all: number;
}

interface Content {
  readonly featuresLength: number;
  getFeature(index: number): Cesium3DTileFeature;
}

/** One layer of buildings on the stage: its tiles, their failures, and which features belong to which building. */
export class Buildings {
  readonly failures: string[] = [];
  private readonly byBuilding = new Map<string, Set<Cesium3DTileFeature>>();
  private readonly byTile = new Map<Cesium3DTile, readonly [string, Cesium3DTileFeature][]>();
  private arrived = 0;
  private expected = 0;
  private readonly wished: (() => void)[] = [];

  private constructor(
    private readonly scene: Scene,
    readonly tileset: Cesium3DTileset,
  ) {}

  static async load(scene: Scene, url: string, clay: Clay): Promise<Buildings> {
    const tileset = await Cesium3DTileset.fromUrl(url, {
      featureIdLabel: "building",
      shadows: ShadowMode.ENABLED,
      backFaceCulling: true,
      maximumScreenSpaceError: 12,
      cacheBytes: 384 * 1024 * 1024,
      dynamicScreenSpaceError: true,
    });
    tileset.customShader = clay.shader;
    const buildings = new Buildings(scene, tileset);
    tileset.tileLoad.addEventListener((tile: Cesium3DTile) => buildings.index(tile));
    tileset.tileUnload.addEventListener((tile: Cesium3DTile) => buildings.forget(tile));
    tileset.tileFailed.addEventListener(({ url: failed, message }: { url: string; message: string }) => {
      buildings.failures.push(`${failed}: ${message}`);
      buildings.changed();
    });
    tileset.loadProgress.addEventListener((pending: number, processing: number) => {
      const open = pending + processing;
      if (open === 0) buildings.expected = buildings.arrived;
      else buildings.expected = Math.max(buildings.expected, buildings.arrived + open);
      buildings.changed();
    });
    scene.primitives.add(tileset);
    return buildings;
  }

  /** Called whenever tiles came, went or failed. */
  onChange(listener: () => void): void {
    this.wished.push(listener);
  }

  get progress(): Progress {
    return { done: this.arrived, all: this.expected };
  }

  get isLoaded(): boolean {
    return this.tileset.tilesLoaded;
  }

  get isShown(): boolean {
    return this.tileset.show;
  }

  set isShown(shown: boolean) {
    this.tileset.show = shown;
    this.scene.requestRender();
  }

  /** Take the layer off the stage. */
  remove(): void {
    this.scene.primitives.remove(this.tileset);
    this.scene.requestRender();
  }

  /** The features of a building (and of all its parts) in the tiles that are there. */
  features(building: string): readonly Cesium3DTileFeature[] {
    return [...(this.byBuilding.get(building) ?? [])];
  }

  owns(picked: unknown): picked is Cesium3DTileFeature {
    return picked instanceof Cesium3DTileFeature && picked.tileset === this.tileset;
  }

  private index(tile: Cesium3DTile): void {
    this.arrived += 1;
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
    this.changed();
  }

  private forget(tile: Cesium3DTile): void {
    for (const [id, feature] of this.byTile.get(tile) ?? []) {
      const same = this.byBuilding.get(id);
      same?.delete(feature);
      if (same?.size === 0) this.byBuilding.delete(id);
    }
    this.byTile.delete(tile);
    this.changed();
  }

  private changed(): void {
    for (const listener of this.wished) listener();
  }
}

/** The row of the property table that a feature stands for. */
export function attributesOf(feature: Cesium3DTileFeature): Attributes {
  const attributes: Record<string, unknown> = {};
  for (const id of feature.getPropertyIds()) attributes[id] = feature.getProperty(id);
  return attributes;
}

/** The status with which a server refused a tileset; 0 where it gave no answer, or the tileset is none. */
export function tilesetStatus(error: unknown): number {
  return error instanceof RequestErrorEvent ? (error.statusCode ?? 0) : 0;
}
