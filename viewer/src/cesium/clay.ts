import { Cartesian3, CustomShader, LightingModel, UniformType } from "@cesium/engine";
import type { Daylight, Rgb } from "../twin/daylight";

// The second feature id set of each mesh tells the surface class; see the tiler's EXT_mesh_features.
const FRAGMENT = /* glsl */ `
  void fragmentMain(FragmentInput fsInput, inout czm_modelMaterial material) {
    int surface = fsInput.featureIds.featureId_1;
    vec3 normal = normalize(fsInput.attributes.normalEC);
    vec3 up = normalize(czm_viewRotation * u_up);
    float facingUp = dot(normal, up);

    vec3 albedo = vec3(0.80, 0.755, 0.685);                    // wall: warm off-white
    if (surface == 0) {
      float flatness = smoothstep(0.975, 0.992, facingUp);     // 13 to 7 degrees of slope
      albedo = mix(vec3(0.42, 0.262, 0.205), vec3(0.465, 0.475, 0.485), flatness);
    } else if (surface == 2) {
      albedo = vec3(0.50, 0.47, 0.42);
    } else if (surface == 3) {
      albedo = vec3(0.66, 0.63, 0.58);
    }

    // Sky light from above, a little of it thrown back by the ground, and the sun.
    // The shadow map takes away what the sun does not reach, faces turned from it included; without one, do that here.
    vec3 ambient = u_sky * mix(0.72, 1.0, facingUp * 0.5 + 0.5);
    float lambert = max(dot(normal, normalize(czm_lightDirectionEC)), 0.0);
    vec3 light = ambient + u_sun * (0.34 + 0.66 * lambert);
    light *= mix(u_ownShade, 1.0, clamp(lambert / 0.3, 0.0, 1.0));

    material.diffuse = albedo * light;
  }
`;

/** The clay model's material: colours by surface class and slope, lit by the given daylight. */
export class Clay {
  readonly shader = new CustomShader({
    lightingModel: LightingModel.UNLIT,
    uniforms: {
      u_up: { type: UniformType.VEC3, value: new Cartesian3(0, 0, 1) },
      u_sun: { type: UniformType.VEC3, value: new Cartesian3() },
      u_ownShade: { type: UniformType.FLOAT, value: 1 },
      u_sky: { type: UniformType.VEC3, value: new Cartesian3() },
    },
    fragmentShaderText: FRAGMENT,
  });

  setUp(up: Cartesian3): void {
    this.shader.setUniform("u_up", up);
  }

  setDaylight({ sun, sky, shadow }: Daylight, hasShadowMap: boolean): void {
    this.shader.setUniform("u_ownShade", hasShadowMap ? 1 : shadow);
    this.shader.setUniform("u_sun", vector(sun));
    this.shader.setUniform("u_sky", vector(sky));
  }
}

export function vector(rgb: Rgb): Cartesian3 {
  return new Cartesian3(rgb[0], rgb[1], rgb[2]);
}
