import {
  Cartesian2,
  Cartesian3,
  type Cesium3DTileFeature,
  type Scene,
  ScreenSpaceEventHandler,
  ScreenSpaceEventType,
} from "@cesium/engine";
import type { Buildings } from "./buildings";

export interface Hit {
  readonly buildings: Buildings;
  readonly feature: Cesium3DTileFeature;
  /** The point that was hit, where depth can be read. */
  readonly point: Cartesian3 | null;
}

/** The building that is drawn at a place of the canvas (CSS pixels), or null. */
export function pickBuilding(scene: Scene, layers: readonly Buildings[], x: number, y: number): Hit | null {
  const where = new Cartesian2(x, y);
  const picked: unknown = scene.pick(where);
  for (const buildings of layers) {
    if (buildings.owns(picked)) {
      const point = scene.pickPositionSupported ? scene.pickPosition(where) : undefined;
      return { buildings, feature: picked, point: point ? Cartesian3.clone(point) : null };
    }
  }
  return null;
}

/** Call back for each click or tap that is no drag. */
export function onClick(scene: Scene, act: (x: number, y: number) => void): void {
  const handler = new ScreenSpaceEventHandler(scene.canvas);
  handler.setInputAction(({ position }: ScreenSpaceEventHandler.PositionedEvent) => {
    act(position.x, position.y);
  }, ScreenSpaceEventType.LEFT_CLICK);
}
