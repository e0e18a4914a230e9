import { type Cartesian3, Color, PointPrimitiveCollection, type Scene } from "@cesium/engine";

/** The accent of what is chosen; `--selected` on the page. */
const ACCENT = Color.fromCssColorString("#2a94d0");

/** A dot on what was chosen, where that has no outline of its own. */
export class Mark {
  private readonly dots = new PointPrimitiveCollection();

  constructor(private readonly scene: Scene) {
    scene.primitives.add(this.dots);
  }

  /** Mark one place, before all that stands in front of it, or none. */
  set(place: Cartesian3 | null): void {
    this.dots.removeAll();
    if (place) {
      this.dots.add({
        position: place,
        pixelSize: 9,
        color: ACCENT,
        outlineColor: Color.WHITE,
        outlineWidth: 2,
        disableDepthTestDistance: Number.POSITIVE_INFINITY,
      });
    }
    this.scene.requestRender();
  }

  remove(): void {
    this.scene.primitives.remove(this.dots);
  }
}
