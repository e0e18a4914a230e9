import { Cartesian2, Cartesian3, type Scene } from "@cesium/engine";
import type { Quality } from "./cesium/quality";
import type { CameraPlace } from "./twin/link";

/**
 * What tests may ask of a running page, as `window.zwilling`. It reads state; the one thing it does is what a visitor
 * can do too: choose something.
 */
export interface TestHook {
  /** Everything that the current view needs has been drawn for five frames running. Asks for a frame at each call. */
  idle(): boolean;
  /** Errors of the page and of the renderer since the start. */
  readonly errors: readonly string[];
  /** Tiles that could not be loaded, as `url: message`. */
  readonly tilesFailed: readonly string[];
  stats(): {
    readonly tilesLoaded: number;
    readonly tilesExpected: number;
    readonly frames: number;
    readonly quality: Quality | null;
  };
  /** Id of what can be chosen at a place of the canvas in CSS pixels, or null. */
  pickAt(x: number, y: number): string | null;
  /** Where a place (degrees, ellipsoidal metres) is on the canvas in CSS pixels; null behind the camera. */
  canvasPositionOf(longitude: number, latitude: number, height: number): readonly [number, number] | null;
  readonly camera: CameraPlace;
  readonly selected: string | null;
  /** Whether messages about sensors come: `live`, `connecting` or `waiting`; null where there are no sensors. */
  readonly line: string | null;
  /** Choose by a link's parameter and id, and go there. */
  select(parameter: string, id: string): void;
}

declare global {
  interface Window {
    zwilling?: TestHook;
  }
}

const CALM_FRAMES = 5;

/** Counts the frames in which nothing was missing. */
export class Calm {
  frames = 0;
  private calm = 0;

  constructor(
    private readonly scene: Scene,
    isComplete: () => boolean,
  ) {
    scene.postRender.addEventListener(() => {
      this.frames += 1;
      this.calm = isComplete() ? this.calm + 1 : 0;
    });
  }

  idle(): boolean {
    this.scene.requestRender();
    return this.calm >= CALM_FRAMES;
  }
}

export function canvasPosition(
  scene: Scene,
  longitude: number,
  latitude: number,
  height: number,
): readonly [number, number] | null {
  const place = Cartesian3.fromDegrees(longitude, latitude, height);
  const seen = scene.cartesianToCanvasCoordinates(place, new Cartesian2());
  return seen ? [seen.x, seen.y] : null;
}
