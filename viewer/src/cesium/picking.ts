import { Cartesian2, Cartesian3, type Scene, ScreenSpaceEventHandler, ScreenSpaceEventType } from "@cesium/engine";

export interface Hit<Found> {
  readonly found: Found;
  /** The point that was hit, where depth can be read. */
  readonly point: Cartesian3 | null;
}

/**
 * What is drawn at a place of the canvas (CSS pixels) if `find` knows it, or null. The globe is drawn and is no thing:
 * `find` is given a point and nothing picked.
 */
export function pickAt<Found>(
  scene: Scene,
  x: number,
  y: number,
  find: (picked: unknown, point: Cartesian3 | null) => Found | null,
): Hit<Found> | null {
  const where = new Cartesian2(x, y);
  const picked: unknown = scene.pick(where);
  const seen = scene.pickPositionSupported ? scene.pickPosition(where) : undefined;
  const point = seen ? Cartesian3.clone(seen) : null;
  const found = find(picked, point);
  return found === null ? null : { found, point };
}

/** Call back for each click or tap that is no drag. */
export function onClick(scene: Scene, act: (x: number, y: number) => void): void {
  const handler = new ScreenSpaceEventHandler(scene.canvas);
  handler.setInputAction(({ position }: ScreenSpaceEventHandler.PositionedEvent) => {
    act(position.x, position.y);
  }, ScreenSpaceEventType.LEFT_CLICK);
}
