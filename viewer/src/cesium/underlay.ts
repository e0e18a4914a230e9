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
import { CARD, LAND, laidBack, PICTURE, type Picture } from "./soil";

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
const RECESS = 8;
/** The globe's part of that difference, in pixels. It is seen beyond the mesh alone. */
const ERROR_BELOW_MESH = 4;
const ERROR = 2;

/** How bright (of 1) level ground is in sunlight on the globe; slopes towards the sun have the rest. */
const LEVEL = 0.86;
/** How much steeper than they are slopes are lit on the globe. */
const RELIEF = 2.2;

/** The globe: coarse ground around the data, and the ground itself where a layer's terrain is draped with pictures. */
export class Underlay {
  private readonly globe: Globe;
  private coarse: TerrainProvider = new EllipsoidTerrainProvider();
  private readonly claims = new Map<object, Claim>();
  private readonly planes = new WeakMap<object, TerrainProvider>();
  private isRecessed = false;
  private shown: Picture = "quiet";
  private light: { readonly daylight: Daylight; readonly lambert: number } | null = null;

  constructor(private readonly scene: Scene) {
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
    this.suit();
  }

  setDaylight(daylight: Daylight, sunElevation: number): void {
    this.light = { daylight, lambert: Math.max(Math.sin((sunElevation * Math.PI) / 180), 0) };
    this.suit();
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
      imagery.saturation = PICTURE[this.shown];
      imagery.contrast = PICTURE[this.shown];
    }
    this.illuminate(claims.map(([, { imagery }]) => imagery));
    scene.requestRender();
  }

  private illuminate(imagery: readonly (ImageryLayer | null)[]): void {
    if (!this.light) return;
    const { globe } = this;
    const { daylight, lambert } = this.light;
    const light = daylight.sky.map((sky, i) => sky + (daylight.sun[i] ?? 0) * (0.34 + 0.66 * lambert));
    const gain = globe.enableLighting ? 1 / LEVEL : 1;
    // Around pictures land goes on as land, without detail: no card beside a field.
    const hasPictures = this.shown !== "none" && [...this.claims.values()].some(({ imagery }) => imagery);
    const albedo = hasPictures ? laidBack(LAND, PICTURE[this.shown]) : CARD;
    const lit = albedo.map((part, i) => gain * encoded(part * (light[i] ?? 0)));
    globe.baseColor = new Color(lit[0], lit[1], lit[2], 1);
    const mean = encoded(light.reduce((sum, part) => sum + part, 0) / light.length);
    for (const layer of imagery) if (layer) layer.brightness = Math.min(mean, 1) / LEVEL;
    // Level ground always has the same share of the light; the sun alone tells slopes apart.
    const relief = RELIEF * Math.min(daylight.sun[1] ?? 0, 1);
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
   * to be greater, by what the surface's slope makes of so many pixels. CesiumJS has no public way to do that.
   */
  private recess(recessed: boolean): void {
    if (recessed === this.isRecessed) return;
    this.isRecessed = recessed;
    const { tileProvider } = (this.globe as unknown as { _surface: { tileProvider: RenderStates } })._surface;
    const state = (cull: boolean, isFirst: boolean): RenderState =>
      RenderState.fromCache({
        cull: { enabled: cull },
        depthTest: { enabled: true, func: isFirst ? DepthFunction.LESS : DepthFunction.LESS_OR_EQUAL },
        ...(!isFirst && { blending: BlendingState.ALPHA_BLEND }),
        ...(recessed && { polygonOffset: { enabled: true, factor: RECESS, units: RECESS } }),
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
