import { Cartesian2, Cartesian3, PostProcessStage, type Scene } from "@cesium/engine";
import type { Daylight } from "../twin/daylight";
import { vector } from "./clay";

// One pass over the finished picture: sky, haze, thin edges and the outline of what is selected.
const FRAGMENT = /* glsl */ `
  uniform sampler2D colorTexture;
  uniform sampler2D depthTexture;
  uniform vec3 u_up;
  uniform vec3 u_sunDirection;
  uniform vec3 u_zenith;
  uniform vec3 u_horizon;
  uniform vec3 u_sun;
  uniform vec2 u_fade;      // metres: edges gone, haze well visible
  uniform vec3 u_accent;
  in vec2 v_textureCoordinates;

  float distanceFromPlane(vec2 uv) {
    float depth = texture(depthTexture, uv).r;
  #if defined(LOG_DEPTH) || defined(LOG_DEPTH_READ_ONLY)
    return exp2(depth * czm_log2FarDepthFromNearPlusOne) - 1.0 + czm_currentFrustum.x;
  #else
    float near = czm_currentFrustum.x;
    float far = czm_currentFrustum.y;
    return near * far / (far - depth * (far - near));
  #endif
  }

  vec3 skyColor(vec3 direction) {
    float height = dot(direction, u_up);
    vec3 color = mix(u_horizon, u_zenith, 1.0 - exp(-max(height, 0.0) * 3.2));
    float towardsSun = max(dot(direction, u_sunDirection), 0.0);
    color += u_sun * (0.10 * pow(towardsSun, 6.0) + 0.25 * pow(towardsSun, 220.0));
    return color;
  }

  vec3 positionEC(vec2 uv, float depth) {
    vec2 plane = (uv * 2.0 - 1.0) / vec2(czm_projection[0][0], czm_projection[1][1]);
    return vec3(plane, -1.0) * depth;
  }

  // 1 where the surface breaks outwards at this pixel (ridge, corner, eaves), 0 on any plane however slanted.
  float crease(vec2 uv, vec2 pixel, float depth) {
    vec2 across = vec2(pixel.x, 0.0);
    vec2 along = vec2(0.0, pixel.y);
    float left = distanceFromPlane(uv - across);
    float right = distanceFromPlane(uv + across);
    float below = distanceFromPlane(uv - along);
    float above = distanceFromPlane(uv + along);
    vec3 here = positionEC(uv, depth);
    vec3 one = normalize(cross(positionEC(uv + across, right) - here, positionEC(uv + along, above) - here));
    vec3 other = normalize(cross(positionEC(uv - across, left) - here, positionEC(uv - along, below) - here));
    float bend = smoothstep(0.06, 0.2, 1.0 - dot(one, other));
    // Inverse depth is linear on a plane; below the mean of its neighbours it means a hollow, or what lies behind.
    float outwards = max(2.0 / depth - 1.0 / left - 1.0 / right, 2.0 / depth - 1.0 / below - 1.0 / above);
    return outwards > 0.0 ? bend : 0.0;
  }

  void main() {
    vec2 uv = v_textureCoordinates;
    vec2 pixel = 1.0 / czm_viewport.zw;
    vec4 drawn = texture(colorTexture, uv);
    vec3 color = drawn.rgb;
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

    float edge = drawn.a < 0.75 ? 0.0 : crease(uv, pixel, depth) * (1.0 - smoothstep(0.25 * u_fade.x, u_fade.x, away));
    color *= 1.0 - 0.3 * edge;

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

/**
 * Opacity that the ground writes beside its colour. Nothing is blended by it; it tells this pass which pixels are ground,
 * on which the seams of terrain tiles would else be drawn as edges.
 */
export const GROUND_ALPHA = 0.5;

/** sRGB of the one accent colour in the scene. */
const ACCENT = new Cartesian3(0.1, 0.52, 0.78);

/** The last pass over each frame. */
export class Finish {
  readonly stage: PostProcessStage;
  private readonly up = new Cartesian3(0, 0, 1);
  private readonly sunDirection = new Cartesian3(0, 0, 1);
  private zenith = new Cartesian3(0.2, 0.4, 0.6);
  private horizon = new Cartesian3(0.8, 0.8, 0.8);
  private sun = new Cartesian3();

  constructor(scene: Scene) {
    const fade = new Cartesian2();
    this.stage = new PostProcessStage({
      name: "zwilling_finish",
      fragmentShader: FRAGMENT,
      uniforms: {
        u_up: () => this.up,
        u_sunDirection: () => this.sunDirection,
        u_zenith: () => this.zenith,
        u_horizon: () => this.horizon,
        u_sun: () => this.sun,
        u_accent: () => ACCENT,
        u_fade: () => {
          const height = Math.max(scene.camera.positionCartographic.height, 50);
          return Cartesian2.fromElements(700 + height * 2.6, 4_500 + height * 8, fade);
        },
      },
    });
    this.stage.selected = [];
    scene.postProcessStages.add(this.stage);
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
