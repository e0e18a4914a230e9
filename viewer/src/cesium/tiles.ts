import { type Cesium3DTile, Cesium3DTileset, RequestErrorEvent, type Scene, type ShadowMode } from "@cesium/engine";
import type { Progress } from "../layers/kind";

type Options = Cesium3DTileset.ConstructorOptions & { readonly shadows: ShadowMode };

/** A tileset on the stage, and what a layer's row in the panel and the loading bar want to know of it. */
export class Tiles {
  readonly failures: string[] = [];
  private readonly listeners: (() => void)[] = [];
  private came: (tile: Cesium3DTile) => void = () => undefined;
  private goes: (tile: Cesium3DTile) => void = () => undefined;
  private arrived = 0;
  private expected = 0;

  private constructor(
    private readonly scene: Scene,
    readonly tileset: Cesium3DTileset,
  ) {}

  /** Throws what CesiumJS throws where the tileset cannot be read; see {@link tilesetStatus}. */
  static async load(scene: Scene, url: string, options: Options): Promise<Tiles> {
    const tileset = await Cesium3DTileset.fromUrl(url, options);
    const tiles = new Tiles(scene, tileset);
    tileset.tileLoad.addEventListener((tile: Cesium3DTile) => {
      tiles.arrived += 1;
      tiles.came(tile);
      tiles.changed();
    });
    tileset.tileUnload.addEventListener((tile: Cesium3DTile) => {
      tiles.goes(tile);
      tiles.changed();
    });
    tileset.tileFailed.addEventListener(({ url: failed, message }: { url: string; message: string }) => {
      tiles.failures.push(`${failed}: ${message}`);
      tiles.changed();
    });
    tileset.loadProgress.addEventListener((pending: number, processing: number) => {
      const open = pending + processing;
      tiles.expected = open === 0 ? tiles.arrived : Math.max(tiles.expected, tiles.arrived + open);
      tiles.changed();
    });
    scene.primitives.add(tileset);
    return tiles;
  }

  /** Have one function called with each tile whose content has come, and one before it goes. */
  onTile(came: (tile: Cesium3DTile) => void, goes: (tile: Cesium3DTile) => void): void {
    this.came = came;
    this.goes = goes;
  }

  /** Called whenever tiles came, went or failed. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  get progress(): Progress {
    // What is hidden asks for nothing more, and would be on its way for ever.
    return { done: this.arrived, all: this.tileset.show ? this.expected : this.arrived };
  }

  get isLoaded(): boolean {
    return !this.tileset.show || this.tileset.tilesLoaded;
  }

  get isShown(): boolean {
    return this.tileset.show;
  }

  set isShown(shown: boolean) {
    if (shown === this.tileset.show) return;
    this.tileset.show = shown;
    this.changed();
    this.scene.requestRender();
  }

  /** Take the tileset off the stage. */
  remove(): void {
    this.scene.primitives.remove(this.tileset);
    this.scene.requestRender();
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}

/** The status with which a server refused a tileset; 0 where it gave no answer, or the tileset is none. */
export function tilesetStatus(error: unknown): number {
  return error instanceof RequestErrorEvent ? (error.statusCode ?? 0) : 0;
}
