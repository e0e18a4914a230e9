import { Cartesian3, Globe, JulianDate, PerspectiveFrustum, Scene, ShadowMode } from "@cesium/engine";

export interface EaselOptions {
  readonly shadows: boolean;
  readonly msaaSamples: number;
  /** Draw as many pixels as the screen has, not one for each CSS pixel. */
  readonly isSharp: boolean;
}

/**
 * A canvas with a scene that fills its place and is drawn when something has changed. CesiumJS' own `CesiumWidget` does
 * the same and brings all of its entities, data sources and labels along: a sixth of what a visitor has to load.
 */
export class Easel {
  readonly scene: Scene;
  private readonly canvas = document.createElement("canvas");
  /** The sun is set by hand, so no time passes in the scene. */
  private readonly time = JulianDate.now();
  private size = "";
  private isOn = true;

  constructor(
    container: HTMLElement,
    private readonly options: EaselOptions,
  ) {
    const { canvas } = this;
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("selectstart", (event) => event.preventDefault());
    container.append(canvas);
    const unseen = document.createElement("div"); // the page has its own line of credits
    this.scene = new Scene({
      canvas,
      creditContainer: unseen,
      creditViewport: unseen,
      shadows: options.shadows,
      msaaSamples: options.msaaSamples,
      requestRenderMode: true,
      maximumRenderTimeChange: Number.POSITIVE_INFINITY,
      contextOptions: { webgl: { powerPreference: "high-performance" } },
    });
    this.scene.camera.constrainedAxis = Cartesian3.UNIT_Z;
    this.scene.globe = new Globe();
    this.scene.globe.shadows = ShadowMode.RECEIVE_ONLY;
    this.fit();
    this.scene.renderError.addEventListener(() => this.stop());
    const draw = (): void => {
      if (!this.isOn) return;
      this.fit();
      if (canvas.width > 0 && canvas.height > 0) {
        this.scene.initializeFrame();
        this.scene.render(this.time);
      }
      window.requestAnimationFrame(draw);
    };
    window.requestAnimationFrame(draw);
  }

  /** Draw no more. */
  stop(): void {
    this.isOn = false;
  }

  /** Have canvas and camera follow the place, and the screen that the window is on. */
  private fit(): void {
    const { canvas, scene } = this;
    const ratio = this.options.isSharp ? window.devicePixelRatio : 1;
    const size = `${canvas.clientWidth} ${canvas.clientHeight} ${ratio}`;
    if (size === this.size) return;
    this.size = size;
    scene.pixelRatio = ratio;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    const { frustum } = scene.camera;
    if (frustum instanceof PerspectiveFrustum && canvas.width > 0 && canvas.height > 0) {
      frustum.aspectRatio = canvas.width / canvas.height;
    }
    scene.requestRender();
  }
}
