import { Cartesian2, Cartesian3, PostProcessStage, PostProcessStageComposite, type Scene } from "@cesium/engine";
import type { Daylight } from "../twin/daylight";
import { vector } from "./clay";
import { DEPTH } from "./depth";
import { OCCLUSION_NAME, occlusionStage } from "./occlusion";

// The last passes over the finished picture: sky, haze, thin edges, shade in corners and the outline of what is selected.
const FRAGMENT = /* glsl */ `
  uniform sampler2D colorTexture;
  #ifdef OCCLUSION
  uniform sampler2D occlusionTexture;
  #endif
  uniform vec3 u_up;
  uniform vec3 u_sunDirection;
  uniform vec3 u_zenith;
  uniform vec3 u_horizon;
  uniform vec3 u_sun;
  uniform vec2 u_fade;      // metres: edges gone, haze well visible
  uniform vec3 u_accent;
${DEPTH}
  vec3 skyColor(vec3 direction) {
    float height = dot(direction, u_up);
    vec3 color = mix(u_horizon, u_zenith, 1.0 - exp(-max(height, 0.0) * 3.2));
    float towardsSun = max(dot(direction, u_sunDirection), 0.0);
    color += u_sun * (0.10 * pow(towardsSun, 6.0) + 0.25 * pow(towardsSun, 220.0));
    return color;
  }

  // Inverse depth is linear on a plane; these are three pixels of it, away from where a line might be.
  vec3 inverseDepths(vec2 uv, vec2 away) {
    return 1.0 / vec3(distanceFromPlane(uv + away), distanceFromPlane(uv + 2.0 * away), distanceFromPlane(uv + 3.0 * away));
  }

  // How much nearer one side is, carried on past a line through the pixel, than what is there: once from its first two
  // pixels and once from the next. The smaller counts, so that one pixel that is out of line, like a crack between two
  // tiles, draws nothing.
  float beyond(vec3 side, vec3 other) {
    return min(3.0 * side.x - 2.0 * side.y - other.x, 0.5 * (5.0 * side.y - 4.0 * side.z - other.y));
  }

  // How far the surface falls away behind the pixel: positive at a ridge, a corner, an eave.
  float fall(vec3 before, vec3 after, float here) {
    float isNearSide = step(0.4 * min(before.x, after.x) + 0.6 * max(before.x, after.x), here * 1.0001);
    return max(beyond(before, after), beyond(after, before)) * isNearSide;
  }

  // 1 on edges that show the shape, 0 on any plane however slanted.
  float crease(vec2 uv, vec2 pixel, float depth, float angle) {
    vec2 x = vec2(pixel.x, 0.0);
    vec2 y = vec2(0.0, pixel.y);
    vec3 left = inverseDepths(uv, -x);
    vec3 right = inverseDepths(uv, x);
    vec3 below = inverseDepths(uv, -y);
    vec3 above = inverseDepths(uv, y);
    float away = max(fall(left, right, 1.0 / depth), fall(below, above, 1.0 / depth));
    // Seen at a slant, the gentlest slope looks steep.
    vec3 normal = cross(positionEC(uv + x, 1.0 / right.x) - positionEC(uv - x, 1.0 / left.x), positionEC(uv + y, 1.0 / above.x) - positionEC(uv - y, 1.0 / below.x));
    float facing = abs(dot(normalize(normal), normalize(positionEC(uv, depth))));
    return smoothstep(0.25, 0.9, away * depth / angle * facing * facing);
  }

  #ifdef OCCLUSION
  // The occlusion is drawn with a pattern of 4 x 4; one such block around the pixel holds no pattern any more. Texels
  // of another surface take no part, nor do the two darkest: where tiles of ground meet, single pixels may have the
  // depth of what hangs below the border.
  float skyVisible(vec2 uv, float depth) {
    vec2 texel = 1.0 / vec2(textureSize(occlusionTexture, 0));
    float sum = 0.0;
    float weights = 1e-4;
    vec2 darkest = vec2(2.0, 0.0); // and its weight
    vec2 second = darkest;
    for (int y = 0; y < 4; ++y) {
      for (int x = 0; x < 4; ++x) {
        vec2 at = uv + (vec2(float(x), float(y)) - 1.5) * texel;
        float weight = 1.0 - smoothstep(0.01, 0.03, abs(distanceFromPlane(at) / depth - 1.0));
        float visible = texture(occlusionTexture, at).r;
        sum += weight * visible;
        weights += weight;
        if (weight > 0.0 && visible < second.x) second = vec2(visible, weight);
        if (second.x < darkest.x) {
          vec2 other = darkest;
          darkest = second;
          second = other;
        }
      }
    }
    float others = weights - darkest.y - second.y;
    if (others < 1.0) return 1.0; // unlike all that is around it
    return (sum + 1e-4 - darkest.x * darkest.y - second.x * second.y) / others;
  }
  #endif

  void main() {
    vec2 uv = v_textureCoordinates;
    vec2 pixel = 1.0 / czm_viewport.zw;
    vec3 color = texture(colorTexture, uv).rgb;
    vec4 ray = czm_inverseProjection * vec4(uv * 2.0 - 1.0, 1.0, 1.0);
    vec3 rayEC = normalize(ray.xyz / ray.w);
    vec3 direction = normalize(czm_inverseViewRotation * rayEC);
    vec3 sky = pow(clamp(skyColor(direction), 0.0, 1.0), vec3(1.0 / 2.2));
    float stored = texture(depthTexture, uv).r;

    if (stored >= 0.999999) {
      out_FragColor = vec4(sky, 1.0);
      return;
    }

    float depth = distanceFromPlane(uv);
    float away = depth / max(-rayEC.z, 0.05);

    float angle = 2.0 / (czm_projection[1][1] * czm_viewport.w);
    float edge = crease(uv, pixel, depth, angle) * (1.0 - smoothstep(0.25 * u_fade.x, u_fade.x, away));
    color *= 1.0 - 0.3 * edge;
  #ifdef OCCLUSION
    color *= skyVisible(uv, depth);
  #endif

  #ifdef CZM_SELECTED_FEATURE
    vec2 ring = pixel * czm_pixelRatio * 1.6;
    float inside = czm_selected() ? 1.0 : 0.0;
    float around = 0.0;
    for (int i = 0; i < 8; ++i) {
      float turn = float(i) * 0.785398;
      around += czm_selected(ring * vec2(cos(turn), sin(turn))) ? 0.125 : 0.0;
    }
    float light = dot(color, vec3(0.2126, 0.7152, 0.0722));
    color = mix(color, u_accent * (0.34 + 0.84 * light), inside * 0.82);
    float rim = inside > 0.5 ? 1.0 - around : around;
    color = mix(color, mix(u_accent * 0.42, vec3(1.0), 1.0 - inside), smoothstep(0.05, 0.5, rim));
  #endif

    vec3 haze = pow(clamp(u_horizon + u_sun * 0.10 * pow(max(dot(direction, u_sunDirection), 0.0), 6.0), 0.0, 1.0), vec3(1.0 / 2.2));
    float thickness = away / u_fade.y;
    color = mix(color, haze, 1.0 - exp(-thickness * thickness * 0.9 - thickness * 0.12));
    out_FragColor = vec4(color, 1.0);
  }
`;

/** sRGB of the one accent colour in the scene. */
const ACCENT = new Cartesian3(0.1, 0.52, 0.78);

/** The last passes over each frame. */
export class Finish {
  private readonly stage: PostProcessStage;
  private readonly up = new Cartesian3(0, 0, 1);
  private readonly sunDirection = new Cartesian3(0, 0, 1);
  private zenith = new Cartesian3(0.2, 0.4, 0.6);
  private horizon = new Cartesian3(0.8, 0.8, 0.8);
  private sun = new Cartesian3();

  /** Shade in corners (`withOcclusion`) is for graphics cards: it reads the depth of each pixel's surroundings. */
  constructor(scene: Scene, withOcclusion: boolean) {
    const fade = new Cartesian2();
    this.stage = new PostProcessStage({
      name: "zwilling_finish",
      fragmentShader: withOcclusion ? `#define OCCLUSION\n${FRAGMENT}` : FRAGMENT,
      uniforms: {
        ...(withOcclusion && { occlusionTexture: OCCLUSION_NAME }),
        u_up: () => this.up,
        u_sunDirection: () => this.sunDirection,
        u_zenith: () => this.zenith,
        u_horizon: () => this.horizon,
        u_sun: () => this.sun,
        u_accent: () => ACCENT,
        u_fade: () => {
          const height = Math.max(scene.camera.positionCartographic.height, 50);
          return Cartesian2.fromElements(450 + height * 2, 1_400 + height * 7, fade);
        },
      },
    });
    this.stage.selected = [];
    if (!withOcclusion) {
      scene.postProcessStages.add(this.stage);
      return;
    }
    const occlusion = occlusionStage();
    scene.postProcessStages.add(
      new PostProcessStageComposite({
        name: "zwilling_finish_with_occlusion",
        stages: [occlusion, this.stage],
        inputPreviousStageTexture: false,
      }),
    );
  }

  setUp(up: Cartesian3): void {
    Cartesian3.clone(up, this.up);
  }

  setDaylight(light: Daylight, sunDirection: Cartesian3): void {
    Cartesian3.clone(sunDirection, this.sunDirection);
    this.zenith = vector(light.zenith);
    this.horizon = vector(light.horizon);
    this.sun = vector(light.sun);
  }

  setSelected(features: readonly unknown[]): void {
    this.stage.selected = [...features];
  }
}
