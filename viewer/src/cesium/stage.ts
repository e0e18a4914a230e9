import {
  Cartesian3,
  CesiumWidget,
  Color,
  DirectionalLight,
  EllipsoidTerrainProvider,
  Ion,
  Matrix3,
  Matrix4,
  type Scene,
  type ShadowMap,
  Transforms,
} from "@cesium/engine";
import { daylight, encoded } from "../twin/daylight";
import type { Extent } from "../twin/description";
import type { Ground } from "../twin/ground";
import { type SunPosition, sunPosition } from "../twin/sun";
import { Clay } from "./clay";
import { Finish } from "./finish";
import { groundTerrain } from "./ground";
import { type Quality, rendererName, suitableQuality } from "./quality";

/** Linear colour of the card that the model stands on. */
const CARD = [0.55, 0.525, 0.475] as const;

/** Thrown where the browser cannot give a WebGL 2 context. */
export class NoWebGLError extends Error {
  override readonly name = "NoWebGLError";
}

/** The empty stage: renderer, ground, sky and light; buildings are put on it by others. */
export class Stage {
  readonly widget: CesiumWidget;
  readonly scene: Scene;
  readonly clay = new Clay();
  readonly finish: Finish;
  readonly quality: Quality;
  private centre = { longitude: 0, latitude: 0 };
  private toWorld = Matrix3.IDENTITY;

  /** Throws NoWebGLError. Where no quality is wished, the renderer decides. */
  constructor(container: HTMLElement, wish: Quality | null) {
    const renderer = rendererName();
    if (renderer === null) throw new NoWebGLError("no WebGL 2 context");
    this.quality = wish ?? suitableQuality(renderer);
    const isHigh = this.quality === "high";

    const unseen = document.createElement("div");
    Ion.defaultAccessToken = ""; // nothing is asked of any other host
    this.widget = new CesiumWidget(container, {
      baseLayer: false,
      terrainProvider: new EllipsoidTerrainProvider(),
      skyBox: false,
      skyAtmosphere: false,
      shadows: isHigh,
      requestRenderMode: true,
      maximumRenderTimeChange: Number.POSITIVE_INFINITY, // the sun is set by hand, not by a running clock
      showRenderLoopErrors: false,
      creditContainer: unseen, // the page has its own line of credits
      creditViewport: unseen,
      msaaSamples: isHigh ? 4 : 1,
      useBrowserRecommendedResolution: !isHigh,
      blurActiveElementOnCanvasFocus: false,
      contextOptions: { webgl: { powerPreference: "high-performance" } },
    });
    this.scene = this.widget.scene;
    this.prepareScene();
    this.finish = new Finish(this.scene);
  }

  /** Stand the scene on a ground, at the middle of an extent. */
  setPlace(extent: Extent, ground: Ground): void {
    this.centre = { longitude: (extent.west + extent.east) / 2, latitude: (extent.south + extent.north) / 2 };
    const origin = Cartesian3.fromDegrees(this.centre.longitude, this.centre.latitude, 0);
    this.toWorld = Matrix4.getMatrix3(Transforms.eastNorthUpToFixedFrame(origin), new Matrix3());
    const up = Matrix3.getColumn(this.toWorld, 2, new Cartesian3());
    this.clay.setUp(up);
    this.finish.setUp(up);
    this.scene.terrainProvider = groundTerrain(ground);
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
    const { shadowMap, globe } = this.scene;
    shadowMap.enabled = this.quality === "high" && isUp && light.shadow < 0.999;
    shadowMap.darkness = light.shadow;
    this.clay.setDaylight(light, shadowMap.enabled);
    if (globe) {
      const lambert = Math.max(Math.sin((Math.max(sun.elevation, 0) * Math.PI) / 180), 0);
      const lit = CARD.map((card, i) =>
        encoded(card * ((light.sky[i] ?? 0) + (light.sun[i] ?? 0) * (0.34 + 0.66 * lambert))),
      );
      globe.baseColor = new Color(lit[0], lit[1], lit[2], 1);
    }
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
    scene.shadowMap.size = 2048;
    scene.camera.percentageChanged = 0.05;
    const { globe } = scene;
    if (globe) {
      globe.showGroundAtmosphere = false;
      globe.enableLighting = false;
      globe.showWaterEffect = false;
      globe.tileCacheSize = 200;
      globe.preloadAncestors = false; // parents of this ground show nothing that its children do not
      globe.depthTestAgainstTerrain = true;
    }
    const adjust = (): void => {
      const height = Math.max(scene.camera.positionCartographic.height, 60);
      setShadowBias(scene.shadowMap, height);
      scene.shadowMap.maximumDistance = Math.min(Math.max(height * 7, 900), 9000);
    };
    scene.camera.changed.addEventListener(adjust);
    adjust();
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
