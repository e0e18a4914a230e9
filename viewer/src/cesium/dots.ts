import {
  Cartesian3,
  type Cesium3DTile,
  ComponentDatatype,
  CustomShader,
  LightingModel,
  Matrix4,
  PixelFormat,
  type Scene,
  ShadowMode,
  TextureMagnificationFilter,
  TextureMinificationFilter,
  TextureUniform,
  UniformType,
} from "@cesium/engine";
import {
  channels,
  HEIGHT_COLORS,
  intensityBend,
  NO_HEIGHT_COLOR,
  type PointFacts,
  type PointSchema,
  type PointStatistics,
  palette,
  pointFacts,
} from "../twin/point_classes";
import { Mark } from "./mark";
import { Tiles } from "./tiles";

export type DotStyle = "class" | "intensity" | "color" | "height";

/** What is known of one point; null where the layer does not say. */
export interface Dot {
  readonly classification: number | null;
  /** Metres above ground. */
  readonly height: number | null;
  readonly intensity: number | null;
  readonly returnNumber: number | null;
  readonly numberOfReturns: number | null;
}

/** The shader knows them by their places. */
const STYLES: readonly DotStyle[] = ["class", "intensity", "color", "height"];

/** A colour as the shader writes it. */
function glsl(color: string): string {
  return `vec3(${channels(color)
    .map((channel) => channel.toFixed(4))
    .join(", ")})`;
}

/** Lines of a shader that colour by height above ground. */
function heightLines({ lowest, step }: NonNullable<PointFacts["heights"]>): string {
  const [ground, ...above] = HEIGHT_COLORS;
  let from = ground?.metres ?? 0;
  const lines = above.map(({ metres, color }) => {
    const line = `shown = mix(shown, ${glsl(color)}, clamp((above - ${from.toFixed(1)}) / ${(metres - from).toFixed(1)}, 0.0, 1.0));`;
    from = metres;
    return line;
  });
  // The lowest number stands for no height at all.
  return /* glsl */ `
    if (u_style == 3) {
      float above = float(fsInput.metadata.HEIGHT_ABOVE_GROUND);
      shown = ${glsl(ground?.color ?? NO_HEIGHT_COLOR)};
      ${lines.join("\n      ")}
      if (above < ${(lowest + step / 2).toFixed(4)}) shown = ${glsl(NO_HEIGHT_COLOR)};
    }`;
}

function fragment({ classes, intensity, heights }: PointFacts): string {
  return /* glsl */ `
  void fragmentMain(FragmentInput fsInput, inout czm_modelMaterial material) {
    vec3 shown = vec3(0.62, 0.6, 0.57);
  ${
    classes.length > 0
      ? /* glsl */ `
    vec4 look = texture(u_palette, vec2((float(fsInput.metadata.CLASSIFICATION) + 0.5) / 256.0, 0.5));
    if (look.a < 0.5) discard;
    shown = look.rgb;`
      : ""
  }
  ${
    intensity
      ? /* glsl */ `
    if (u_style == 1) {
      float share = clamp((float(fsInput.metadata.INTENSITY) - u_intensity.x) / u_intensity.y, 0.0, 1.0);
      shown = mix(vec3(0.13, 0.13, 0.15), vec3(0.97, 0.95, 0.9), log(1.0 + u_intensity.z * share) / log(1.0 + u_intensity.z));
    }`
      : ""
  }
  ${heights ? heightLines(heights) : ""}
    // Colours of the source are linear already, and stand in the material.
    if (u_style != 2) material.diffuse = pow(shown, vec3(2.2));
  }
`;
}

function texture(hidden: ReadonlySet<number>): TextureUniform {
  return new TextureUniform({
    typedArray: palette(hidden),
    width: 256,
    height: 1,
    pixelFormat: PixelFormat.RGBA,
    repeat: false,
    minificationFilter: TextureMinificationFilter.NEAREST,
    magnificationFilter: TextureMagnificationFilter.NEAREST,
  });
}

/** Parts of CesiumJS' models that are not in its type declarations. */
interface Attribute {
  readonly name: string;
  readonly semantic?: string;
  readonly count: number;
  readonly componentDatatype: number;
  readonly byteOffset: number;
  readonly byteStride?: number;
  readonly buffer?: { readonly sizeInBytes: number; getBufferData(into: DataView): void };
}

interface Primitive {
  readonly attributes: readonly Attribute[];
}

interface Node {
  readonly computedTransform: Matrix4;
  readonly runtimePrimitives: readonly { readonly primitive: Primitive }[];
}

interface Model {
  readonly sceneGraph: { readonly computedModelMatrix: Matrix4; readonly _runtimeNodes: readonly Node[] };
}

interface PickedPoint {
  readonly primitive: unknown;
  readonly detail?: {
    readonly model: Model;
    readonly node: Node;
    readonly primitive: { readonly primitive: Primitive };
  };
}

/** Points on the stage: one shader for all tiles, so that a change of style costs one frame. */
export class Dots {
  private wished: DotStyle = "class";
  private hasColors = false;
  /** On the point that was chosen. */
  readonly mark: Mark;
  private hidden: ReadonlySet<number> = new Set();

  private constructor(
    private readonly scene: Scene,
    readonly tiles: Tiles,
    readonly facts: PointFacts,
    private readonly shader: CustomShader,
  ) {
    tiles.onTile(
      (tile) => this.learn(tile),
      () => undefined,
    );
    this.mark = new Mark(scene);
  }

  /** @param area over which points are spread, square metres. */
  static async load(scene: Scene, url: string, isHigh: boolean, area: number): Promise<Dots> {
    const tiles = await Tiles.load(scene, url, {
      shadows: ShadowMode.DISABLED,
      // Points are spaced so many pixels at most, and drawn as wide: surfaces close.
      maximumScreenSpaceError: isHigh ? 2.5 : 4,
      cacheBytes: 384 * 1024 * 1024,
      dynamicScreenSpaceError: true,
      pointCloudShading: {
        attenuation: true,
        geometricErrorScale: 1.4, // discs cover a square grid where their diameter is its diagonal
        maximumAttenuation: 4,
        eyeDomeLighting: true,
        eyeDomeLightingStrength: 0.035,
        eyeDomeLightingRadius: 1,
      },
    });
    const { metadataExtension } = tiles.tileset as unknown as {
      readonly metadataExtension?: { readonly schema?: PointSchema; readonly statistics?: PointStatistics };
    };
    const facts = pointFacts(metadataExtension?.schema, metadataExtension?.statistics);
    // Leaves have all their points and no error of their own; CesiumJS would guess from their boxes' volume.
    if (facts.count > 0) tiles.tileset.pointCloudShading.baseResolution = Math.sqrt(area / facts.count);
    const range = facts.intensity ?? { min: 0, max: 1 };
    const shader = new CustomShader({
      lightingModel: LightingModel.UNLIT,
      uniforms: {
        u_style: { type: UniformType.INT, value: 0 },
        ...(facts.classes.length > 0 ? { u_palette: { type: UniformType.SAMPLER_2D, value: texture(new Set()) } } : {}),
        ...(facts.intensity
          ? {
              u_intensity: {
                type: UniformType.VEC3,
                value: new Cartesian3(range.min, Math.max(range.max - range.min, 1), intensityBend(range)),
              },
            }
          : {}),
      },
      fragmentShaderText: fragment(facts),
    });
    tiles.tileset.customShader = shader;
    return new Dots(scene, tiles, facts, shader);
  }

  /** What can tell points apart here. Whether they have colours of their own is known from the first tile on. */
  get styles(): readonly DotStyle[] {
    return STYLES.filter(
      (style) =>
        (style === "class" && this.facts.classes.length > 0) ||
        (style === "height" && this.facts.heights !== null) ||
        (style === "intensity" && this.facts.intensity !== null) ||
        (style === "color" && this.hasColors),
    );
  }

  /** The style that is drawn: the one wished for, or the first that the layer has. */
  get style(): DotStyle {
    return this.styles.includes(this.wished) ? this.wished : (this.styles[0] ?? "class");
  }

  setStyle(style: DotStyle): void {
    this.wished = style;
    this.follow();
  }

  /** Draw no points of these classes. */
  setHidden(classes: ReadonlySet<number>): void {
    this.hidden = classes;
    if (this.facts.classes.length > 0) this.shader.setUniform("u_palette", texture(classes));
    this.scene.requestRender();
  }

  /** The drawn point next to a place, of the tile that was picked; null where that is none of these tiles. */
  pick(picked: unknown, place: Cartesian3): { readonly dot: Dot; readonly at: Cartesian3 } | null {
    const { primitive, detail } = (picked ?? {}) as PickedPoint;
    if (primitive !== this.tiles.tileset || !detail) return null;
    const { attributes } = detail.primitive.primitive;
    const [x, y, z] = [0, 1, 2].map((axis) => column(attributes, "POSITION", axis));
    if (!x || !y || !z) return null;
    const toWorld = Matrix4.multiplyTransformation(
      detail.model.sceneGraph.computedModelMatrix,
      detail.node.computedTransform,
      new Matrix4(),
    );
    const local = Matrix4.multiplyByPoint(Matrix4.inverse(toWorld, new Matrix4()), place, new Cartesian3());
    const classes = column(attributes, "_CLASSIFICATION");
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < x.length; i += 1) {
      if (classes && this.hidden.has(classes[i] ?? 0)) continue;
      const distance = ((x[i] ?? 0) - local.x) ** 2 + ((y[i] ?? 0) - local.y) ** 2 + ((z[i] ?? 0) - local.z) ** 2;
      if (distance < least) [best, least] = [i, distance];
    }
    if (best < 0) return null;
    const value = (name: string): number | null => column(attributes, name)?.[best] ?? null;
    const found = new Cartesian3(x[best], y[best], z[best]);
    return {
      at: Matrix4.multiplyByPoint(toWorld, found, found),
      dot: {
        classification: classes?.[best] ?? null,
        height: this.metres(value("_HEIGHT_ABOVE_GROUND")),
        intensity: value("_INTENSITY"),
        returnNumber: value("_RETURN_NUMBER"),
        numberOfReturns: value("_NUMBER_OF_RETURNS"),
      },
    };
  }

  /** Metres above ground that a stored number tells; 0 stands for none. */
  private metres(stored: number | null): number | null {
    const { heights } = this.facts;
    return stored && heights ? heights.lowest + heights.step * stored : null;
  }

  remove(): void {
    this.mark.remove();
    this.tiles.remove();
  }

  private follow(): void {
    this.shader.setUniform("u_style", STYLES.indexOf(this.style));
    this.scene.requestRender();
  }

  private learn(tile: Cesium3DTile): void {
    if (this.hasColors) return;
    const { _model: model } = tile.content as unknown as { readonly _model?: Model };
    this.hasColors = (model?.sceneGraph._runtimeNodes ?? []).some(({ runtimePrimitives }) =>
      runtimePrimitives.some(({ primitive }) => primitive.attributes.some(({ semantic }) => semantic === "COLOR")),
    );
    if (this.hasColors) this.follow();
  }
}

/** One number for each point, read back from the graphics card: tiles keep nothing in the page's memory. */
function column(attributes: readonly Attribute[], name: string, component = 0): Uint16Array | null {
  const attribute = attributes.find((one) => one.semantic === name || one.name === name);
  if (!attribute?.buffer) return null;
  const bytes = new DataView(new ArrayBuffer(attribute.buffer.sizeInBytes));
  attribute.buffer.getBufferData(bytes);
  const isByte = attribute.componentDatatype === ComponentDatatype.UNSIGNED_BYTE;
  const size = isByte ? 1 : 2;
  const stride = attribute.byteStride ?? size;
  return Uint16Array.from({ length: attribute.count }, (_, i) => {
    const at = attribute.byteOffset + i * stride + component * size;
    return isByte ? bytes.getUint8(at) : bytes.getUint16(at, true);
  });
}
