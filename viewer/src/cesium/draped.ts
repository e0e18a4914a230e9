import {
  CesiumTerrainProvider,
  ImageryLayer,
  Rectangle,
  RequestErrorEvent,
  type Scene,
  type TileProviderError,
  UrlTemplateImageryProvider,
} from "@cesium/engine";
import type { Pictures } from "../twin/tilejson";

/** The globe's form of a ground: terrain and, where there are any, pictures to drape over it. */
export class Draped {
  readonly failures: string[] = [];
  private readonly listeners: (() => void)[] = [];

  private constructor(
    private readonly scene: Scene,
    readonly terrain: CesiumTerrainProvider,
    readonly imagery: ImageryLayer | null,
  ) {}

  /**
   * @param url folder of the terrain.
   * @throws what CesiumJS throws where `layer.json` cannot be read.
   */
  static async load(scene: Scene, url: string, pictures: Pictures | null): Promise<Draped> {
    const terrain = await CesiumTerrainProvider.fromUrl(url, { requestVertexNormals: true });
    const draped = new Draped(scene, terrain, pictures && imageryLayer(pictures));
    terrain.errorEvent.addEventListener((error: TileProviderError) => draped.failed(error));
    if (draped.imagery) {
      scene.imageryLayers.add(draped.imagery);
      // Inside the pictures' bounds there may be places without any: the server says so with an empty answer.
      draped.imagery.imageryProvider.errorEvent.addEventListener((error: TileProviderError) => {
        if (error.error !== undefined) draped.failed(error);
      });
    }
    return draped;
  }

  /** Called whenever a tile has failed. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Take the pictures off the stage. */
  remove(): void {
    if (this.imagery) this.scene.imageryLayers.remove(this.imagery);
  }

  private failed({ level, x, y, message, error }: TileProviderError): void {
    const cause: unknown = error;
    const status = cause instanceof RequestErrorEvent ? ` (${cause.statusCode ?? "no answer"})` : "";
    this.failures.push(`${level}/${x}/${y}: ${message}${status}`);
    for (const listener of this.listeners) listener();
  }
}

function imageryLayer({ template, bounds, coarsest, finest, side }: Pictures): ImageryLayer {
  const provider = new UrlTemplateImageryProvider({
    url: template,
    rectangle: Rectangle.fromDegrees(bounds.west, bounds.south, bounds.east, bounds.north),
    minimumLevel: coarsest,
    maximumLevel: finest,
    tileWidth: side,
    tileHeight: side,
    enablePickFeatures: false,
  });
  return new ImageryLayer(provider, { show: false });
}
