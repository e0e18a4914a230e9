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

  // How far the surface falls away behind a line through the pixel: positive at a ridge, a corner, an eave. Inverse
  // depth is linear on a plane, so each side is carried on to the other. The pixel itself takes no part: seams of
  // terrain tiles are one pixel wide and lie in one plane.
  float fall(float before2, float before, float here, float after, float after2) {
    float away = max(3.0 * before - 2.0 * before2 - after, 3.0 * after - 2.0 * after2 - before);
    float isNearSide = step(0.4 * min(before, after) + 0.6 * max(before, after), here * 1.0001);
    return away * isNearSide;
  }

  // 1 on edges that show the shape, 0 on any plane however slanted.
  float crease(vec2 uv, vec2 pixel, float depth, float angle) {
    vec2 x = vec2(pixel.x, 0.0);
    vec2 y = vec2(0.0, pixel.y);
    float left = distanceFromPlane(uv - x);
    float right = distanceFromPlane(uv + x);
    float below = distanceFromPlane(uv - y);
    float above = distanceFromPlane(uv + y);
    float across = fall(1.0 / distanceFromPlane(uv - 2.0 * x), 1.0 / left, 1.0 / depth, 1.0 / right, 1.0 / distanceFromPlane(uv + 2.0 * x));
    float along = fall(1.0 / distanceFromPlane(uv - 2.0 * y), 1.0 / below, 1.0 / depth, 1.0 / above, 1.0 / distanceFromPlane(uv + 2.0 * y));
    // Seen at a slant, the gentlest slope looks steep.
    vec3 normal = cross(positionEC(uv + x, right) - positionEC(uv - x, left), positionEC(uv + y, above) - positionEC(uv - y, below));
    float facing = abs(dot(normalize(normal), normalize(positionEC(uv, depth))));
    return smoothstep(0.25, 0.9, max(across, along) * depth / angle * facing * facing);
  }

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
          return Cartesian2.fromElements(450 + height * 2, 1_400 + height * 7, fade);
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
