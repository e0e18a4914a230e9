import { PostProcessStage } from "@cesium/engine";
import { DEPTH } from "./depth";

export const OCCLUSION_NAME = "zwilling_occlusion";

// How much of the sky each place sees past its neighbours, of which sixteen are asked along a spiral. The spiral starts
// at another angle in each pixel of a block of 4 x 4; whoever reads the result takes the mean over such a block.
const FRAGMENT = /* glsl */ `
${DEPTH}
  const int SAMPLES = 16;
  const float STRENGTH = 1.5;
  const float DARKEST = 0.5;

  // Where the middle of the nearest pixel stands: its depth is true there alone.
  vec3 at(vec2 uv) {
    vec2 size = vec2(textureSize(depthTexture, 0));
    vec2 middle = (floor(uv * size) + 0.5) / size;
    return positionEC(middle, distanceFromPlane(middle));
  }

  void main() {
    vec2 uv = v_textureCoordinates;
    if (texture(depthTexture, uv).r >= 0.999999) {
      out_FragColor = vec4(1.0);
      return;
    }
    vec2 pixel = 1.0 / vec2(textureSize(depthTexture, 0));
    // Half as many pixels as there are depths: the middle of one is the corner of four.
    uv += 0.25 * pixel;
    vec3 here = at(uv);

    // The nearer neighbour is on the same surface, if any is.
    vec3 left = here - at(uv - vec2(pixel.x, 0.0));
    vec3 right = at(uv + vec2(pixel.x, 0.0)) - here;
    vec3 below = here - at(uv - vec2(0.0, pixel.y));
    vec3 above = at(uv + vec2(0.0, pixel.y)) - here;
    vec3 across = dot(left, left) < dot(right, right) ? left : right;
    vec3 along = dot(below, below) < dot(above, above) ? below : above;
    vec3 normal = normalize(cross(across, along));

    // A storey or two near by; further away as much as can still be seen.
    float reach = max(5.0, -here.z * 0.018);
    float radius = min(reach * czm_projection[1][1] * 0.5 / (-here.z * pixel.y), 90.0);
    ivec2 cell = ivec2(gl_FragCoord.xy) & 3;
    float turn = float((cell.x * 5 + cell.y * 7 + (cell.x ^ cell.y) * 9) & 15) / 16.0;
    float hidden = 0.0;
    for (int i = 0; i < SAMPLES; ++i) {
      float angle = (float(i) + turn) * 2.399963;
      float away = radius * sqrt((float(i) + 0.5) / float(SAMPLES));
      vec3 other = at(uv + pixel * away * vec2(cos(angle), sin(angle))) - here;
      float distant = length(other);
      float rise = dot(other, normal) / max(distant, 1e-3);
      hidden += max(rise - 0.12, 0.0) * (1.0 - smoothstep(0.5 * reach, 1.6 * reach, distant));
    }
    out_FragColor = vec4(vec3(max(1.0 - STRENGTH * hidden / float(SAMPLES), DARKEST)), 1.0);
  }
`;

/** Ambient occlusion at half the picture's resolution, for the pass that finishes it. */
export function occlusionStage(): PostProcessStage {
  return new PostProcessStage({ name: OCCLUSION_NAME, fragmentShader: FRAGMENT, textureScale: 0.5 });
}
