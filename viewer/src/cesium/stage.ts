import {
  Cartesian3,
  Color,
  DirectionalLight,
  Ion,
  Matrix3,
  Matrix4,
  type Scene,
  type ShadowMap,
  Transforms,
} from "@cesium/engine";
import { daylight } from "../twin/daylight";
import type { Extent } from "../twin/description";
import type { Ground } from "../twin/ground";
import { type SunPosition, sunPosition } from "../twin/sun";
import { Clay } from "./clay";
import { Easel } from "./easel";
import { Finish } from "./finish";
import { type Quality, rendererName, suitableQuality } from "./quality";
import { Soil } from "./soil";
import { Underlay } from "./underlay";

/**
 * Nothing nearer than this is drawn (metres), and this share of the camera's height above the highest roof: CesiumJS
 * takes what is less than twice as far away as the near plane for something behind the camera.
 */
const NEAREST = 1;
const NEAR_SHARE = 0.33;

/** Thrown where the browser cannot give a WebGL 2 context. */
export class NoWebGLError extends Error {
  override readonly name = "NoWebGLError";
}

/** The empty stage: renderer, ground, sky and light; buildings are put on it by others. */
export class Stage {
  private readonly easel: Easel;
  readonly scene: Scene;
  readonly clay = new Clay();
  readonly soil = new Soil();
  readonly underlay: Underlay;
  readonly finish: Finish;
  readonly quality: Quality;
  private centre = { longitude: 0, latitude: 0 };
  private toWorld = Matrix3.IDENTITY;
  /** Ellipsoidal heights (metres) between which the data stands. */
  private bottom = 0;
  private top = 0;

  /** Throws NoWebGLError. Where no quality is wished, the renderer decides. */
  constructor(container: HTMLElement, wish: Quality | null) {
    const renderer = rendererName();
    if (renderer === null) throw new NoWebGLError("no WebGL 2 context");
    this.quality = wish ?? suitableQuality(renderer);
    const isHigh = this.quality === "high";

    Ion.defaultAccessToken = ""; // nothing is asked of any other host
    this.easel = new Easel(container, { shadows: isHigh, msaaSamples: isHigh ? 4 : 1, isSharp: isHigh });
    this.scene = this.easel.scene;
    this.underlay = new Underlay(this.scene, this.soil);
    this.prepareScene();
    this.finish = new Finish(this.scene, isHigh);
  }

  /** Called where the picture cannot go on: an error while drawing, or the graphics card gone. */
  onFault(listener: (fault: "render" | "context", message: string) => void): void {
    this.scene.renderError.addEventListener((_scene: unknown, error: unknown) => listener("render", String(error)));
    this.scene.canvas.addEventListener("webglcontextlost", () => {
      this.easel.stop();
      listener("context", "the WebGL context was lost");
    });
  }

  /** Stand the scene on a ground, at the middle of an extent. */
  setPlace(extent: Extent, ground: Ground): void {
    this.centre = { longitude: (extent.west + extent.east) / 2, latitude: (extent.south + extent.north) / 2 };
    this.bottom = extent.low;
    this.top = extent.high;
    const origin = Cartesian3.fromDegrees(this.centre.longitude, this.centre.latitude, 0);
    this.toWorld = Matrix4.getMatrix3(Transforms.eastNorthUpToFixedFrame(origin), new Matrix3());
    const up = Matrix3.getColumn(this.toWorld, 2, new Cartesian3());
    this.clay.setUp(up);
    this.soil.setUp(up);
    this.finish.setUp(up);
    this.underlay.setCoarse(ground);
  }

  /** Light the scene as the sun would at an instant; returns where the sun stands. */
  setTime(instant: Date): SunPosition {
    const sun = sunPosition(instant, this.centre.longitude, this.centre.latitude);
    const light = daylight(sun.elevation);
    // Below the horizon light still comes from somewhere: straight from above, without shadows.
    const isUp = sun.elevation > -0.5;
    const direction = this.direction(sun.azimuth, isUp ? Math.max(sun.elevation, 1.5) : 80);
    this.scene.light = new DirectionalLight({ direction: Cartesian3.negate(direction, new Cartesian3()) });
    this.finish.setDaylight(light, this.direction(sun.azimuth, sun.elevation));
    const { shadowMap } = this.scene;
    shadowMap.enabled = this.quality === "high" && isUp && light.shadow < 0.999;
    shadowMap.darkness = light.shadow;
    this.clay.setDaylight(light, shadowMap.enabled);
    this.soil.setDaylight(light);
    this.underlay.setDaylight(light, sun.elevation);
    this.scene.requestRender();
    return sun;
  }

  private prepareScene(): void {
    const { scene } = this;
    scene.backgroundColor = Color.WHITE;
    scene.highDynamicRange = false;
    scene.fog.enabled = false; // haze is drawn by Finish, for buildings and ground alike
    scene.postProcessStages.fxaa.enabled = this.quality === "high";
    scene.shadowMap.softShadows = true;
    // CesiumJS keeps four such squares in one texture: 151 MB, or 67 MB on phones.
    scene.shadowMap.size = window.matchMedia("(pointer: coarse)").matches ? 2048 : 3072;
    scene.camera.percentageChanged = 0.05;
    // Depth is kept as the graphics card has it. CesiumJS' logarithmic depth is worked out at the middle of each pixel,
    // even where the surface only touches its corner: with several samples a pixel, edges would be drawn along every
    // wall's foot and every tile's seam.
    scene.logarithmicDepthBuffer = false;
    scene.farToNearRatio = 1e7;
    scene.preRender.addEventListener(() => this.suitCamera());
  }

  /** Have depth and shadows begin where there is something to see: both are the finer for it. */
  private suitCamera(): void {
    const { camera, shadowMap } = this.scene;
    const { height } = camera.positionCartographic;
    // Whatever stands below the highest roof is at least this far away, even in the corners of the picture.
    const near = Math.max((height - this.top) * NEAR_SHARE, NEAREST);
    if (Math.abs(camera.frustum.near - near) > near * 0.1) camera.frustum.near = near;
    const above = Math.max(height - this.bottom, 30);
    const { fovy } = camera.frustum as unknown as { fovy: number };
    this.underlay.suitDepth(near, above, (2 * Math.tan(fovy / 2)) / this.scene.drawingBufferHeight);
    setShadowBias(shadowMap, above);
    shadowMap.maximumDistance = Math.min(Math.max(above * 8, 700), 9000);
  }

  private direction(azimuth: number, elevation: number): Cartesian3 {
    const [a, e] = [(azimuth * Math.PI) / 180, (elevation * Math.PI) / 180];
    const local = new Cartesian3(Math.sin(a) * Math.cos(e), Math.cos(a) * Math.cos(e), Math.sin(e));
    return Matrix3.multiplyByVector(this.toWorld, local, new Cartesian3());
  }
}

/**
 * Keep plane roofs and walls free of stripes in their own shadow. The further away, the coarser the shadow map's
 * cells, so the bias grows with the camera's height. CesiumJS has no public way to set more than `normalOffset`.
 */
function setShadowBias(shadowMap: ShadowMap, cameraHeight: number): void {
  const { _primitiveBias: bias } = shadowMap as unknown as {
    _primitiveBias: { normalOffsetScale: number; depthBias: number; normalShadingSmooth: number };
  };
  bias.normalOffsetScale = Math.min(Math.max(cameraHeight / 90, 1.2), 15);
  bias.depthBias = Math.min(Math.max(cameraHeight * 1.2e-6, 0.0001), 0.002);
  bias.normalShadingSmooth = 0.3;
}
