import {
  BlendingState,
  Color,
  DepthFunction,
  EllipsoidTerrainProvider,
  type Globe,
  type ImageryLayer,
  RenderState,
  type Scene,
  type TerrainProvider,
} from "@cesium/engine";
import { type Daylight, encoded } from "../twin/daylight";
import type { Extent } from "../twin/description";
import { Ground } from "../twin/ground";
import { groundTerrain } from "./ground";
import { BARE, CARD, LAND, laidBack, PICTURE, type Picture, SHADED, type Soil } from "./soil";

/** What a layer of ground that is shown asks of the globe below everything. */
export interface Claim {
  readonly extent: Extent;
  /** Terrain for the globe; null where the layer has none. */
  readonly terrain: TerrainProvider | null;
  /** Pictures on that terrain; on the stage's list of imagery layers already. */
  readonly imagery: ImageryLayer | null;
  /** Whether the layer draws a mesh of its own, above which the globe must never come. */
  readonly hasMesh: boolean;
}

/** Below meshes whose terrain the globe does not know it is a plane this far (metres) below their lowest point. */
const DROP = 1;

/**
 * How many pixels further away than it is the globe is taken to be below a mesh: more than globe and mesh may differ
 * in the picture, each being as coarse as its distance allows.
 */
const RECESS = 4;
const DEPTH_STEPS = 2 ** 24;
/** The globe's part of that difference, in pixels. It is seen beyond the mesh alone. */
const ERROR_BELOW_MESH = 4;
const ERROR = 2;

/** How bright (of 1) level ground is in sunlight on the globe; slopes towards the sun have the rest. */
const LEVEL = 0.75;
/** How much slopes towards the sun and away from it differ, below a picture that has shades of its own and without one. */
const RELIEF = { picture: 0.5, bare: 1 } as const;

/** The globe: coarse ground around the data, and the ground itself where a layer's terrain is draped with pictures. */
export class Underlay {
  private readonly globe: Globe;
  private coarse: TerrainProvider = new EllipsoidTerrainProvider();
  private readonly claims = new Map<object, Claim>();
  private readonly planes = new WeakMap<object, TerrainProvider>();
  private isRecessed = false;
  /** What the recess is where the ground is seen from straight above, in steps of the depth buffer. */
  private steps = 1;
  private shown: Picture = "quiet";
  private light: { readonly daylight: Daylight; readonly lambert: number } | null = null;

  constructor(
    private readonly scene: Scene,
    private readonly soil: Soil,
  ) {
    if (!scene.globe) throw new Error("the scene has no globe");
    const globe = scene.globe;
    globe.showGroundAtmosphere = false;
    globe.enableLighting = false;
    globe.dynamicAtmosphereLighting = false;
    globe.showWaterEffect = false;
    globe.tileCacheSize = 200;
    globe.preloadAncestors = false; // parents of this ground show nothing that its children do not
    globe.depthTestAgainstTerrain = true;
    this.globe = globe;
  }

  /** The ground where no layer of ground is shown. */
  setCoarse(ground: Ground): void {
    this.coarse = groundTerrain(ground);
    this.suit();
  }

  /** Take up what a layer of ground asks for; null where it is not shown any more. */
  claim(owner: object, claim: Claim | null): void {
    if (claim) this.claims.set(owner, claim);
    else this.claims.delete(owner);
    this.suit();
  }

  setPicture(picture: Picture): void {
    this.shown = picture;
    this.soil.setPicture(picture);
    this.suit();
  }

  setDaylight(daylight: Daylight, sunElevation: number): void {
    this.light = { daylight, lambert: Math.max(Math.sin((sunElevation * Math.PI) / 180), 0) };
    this.suit();
  }

  /**
   * Suit the recess to a camera: where its near plane is and how far (metres) the ground is away below it, and what
   * angle (as a tangent) a pixel has.
   */
  suitDepth(near: number, above: number, pixel: number): void {
    // How depth grows with distance, at the ground below the camera. Powers of two: each is a state that CesiumJS keeps.
    const steps = 2 ** Math.ceil(Math.log2(Math.max(((DEPTH_STEPS * near) / above) * RECESS * pixel, 1)));
    if (steps === this.steps) return;
    this.steps = steps;
    if (this.isRecessed) this.setRenderStates();
  }

  private suit(): void {
    const { scene, globe } = this;
    const claims = [...this.claims.entries()];
    const [owner, claim] = claims.find(([, { terrain }]) => terrain) ?? claims[0] ?? [];
    const isBare = claim !== undefined && !claim.hasMesh;
    const terrain = owner && claim ? (claim.terrain ?? this.plane(owner, claim.extent)) : this.coarse;
    if (scene.terrainProvider !== terrain) scene.terrainProvider = terrain;
    globe.maximumScreenSpaceError = claim?.hasMesh ? ERROR_BELOW_MESH : ERROR;
    globe.enableLighting = isBare;
    this.recess(claim?.hasMesh === true);
    for (const [, { imagery, hasMesh }] of claims) {
      if (!imagery) continue;
      imagery.show = !hasMesh && this.shown !== "none";
    }
    this.illuminate(claims.map(([, { imagery }]) => imagery).filter((imagery) => imagery !== null));
    scene.requestRender();
  }

  private illuminate(imagery: readonly ImageryLayer[]): void {
    if (!this.light) return;
    const { globe } = this;
    const { daylight, lambert } = this.light;
    const light = daylight.sky.map((sky, i) => sky + (daylight.sun[i] ?? 0) * (0.34 + 0.66 * lambert));
    const gain = globe.enableLighting ? 1 / LEVEL : 1;
    // Around pictures land goes on as land, without detail: no card beside a field.
    const hasPictures = this.shown !== "none" && imagery.length > 0;
    const share = PICTURE[this.shown];
    const albedo = hasPictures ? laidBack(LAND, share) : this.claims.size > 0 ? SHADED : CARD;
    this.soil.setBare(hasPictures ? laidBack(BARE, share) : SHADED);
    const lit = albedo.map((part, i) => gain * encoded(part * (light[i] ?? 0)));
    globe.baseColor = new Color(lit[0], lit[1], lit[2], 1);
    const mean = light.reduce((sum, part) => sum + part, 0) / light.length;
    const bright = mean ** (1 / 2.2) / LEVEL;
    for (const layer of imagery) {
      if (!layer.show) continue;
      // CesiumJS takes brightness first and contrast then; `Soil` the other way round. This comes to the same.
      const contrast = 1 - bright * (1 - share);
      layer.contrast = contrast;
      layer.brightness = (bright * share) / contrast;
    }
    // Level ground always has the same share of the light; the sun alone tells slopes apart.
    const relief = RELIEF[hasPictures ? "picture" : "bare"] * (daylight.sun[1] ?? 0);
    globe.lambertDiffuseMultiplier = relief;
    globe.vertexShadowDarkness = LEVEL - relief * lambert;
  }

  private plane(owner: object, extent: Extent): TerrainProvider {
    const known = this.planes.get(owner);
    if (known) return known;
    const plane = groundTerrain(Ground.level(extent, extent.low - DROP));
    this.planes.set(owner, plane);
    return plane;
  }

  /**
   * Have whatever lies at about the globe's height be drawn over it. Nothing moves in the picture: only depth is taken
   * to be greater, by what the surface's slope makes of so many pixels, and by so many pixels where it has no slope.
   */
  private recess(recessed: boolean): void {
    if (recessed === this.isRecessed) return;
    this.isRecessed = recessed;
    this.setRenderStates();
  }

  /** CesiumJS has no public way to do that. */
  private setRenderStates(): void {
    const { tileProvider } = (this.globe as unknown as { _surface: { tileProvider: RenderStates } })._surface;
    const state = (cull: boolean, isFirst: boolean): RenderState =>
      RenderState.fromCache({
        cull: { enabled: cull },
        depthTest: { enabled: true, func: isFirst ? DepthFunction.LESS : DepthFunction.LESS_OR_EQUAL },
        ...(!isFirst && { blending: BlendingState.ALPHA_BLEND }),
        ...(this.isRecessed && { polygonOffset: { enabled: true, factor: RECESS, units: this.steps } }),
      });
    tileProvider._renderState = state(true, true);
    tileProvider._blendRenderState = state(true, false);
    tileProvider._disableCullingRenderState = state(false, true);
    tileProvider._disableCullingBlendRenderState = state(false, false);
  }
}

interface RenderStates {
  _renderState: RenderState;
  _blendRenderState: RenderState;
  _disableCullingRenderState: RenderState;
  _disableCullingBlendRenderState: RenderState;
}
