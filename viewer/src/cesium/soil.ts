import { Cartesian3, CustomShader, LightingModel, UniformType } from "@cesium/engine";
import type { Daylight, Rgb } from "../twin/daylight";
import { vector } from "./clay";

/** Linear colour of the card that the model stands on. */
export const CARD: Rgb = [0.55, 0.525, 0.475];

/** Linear colour of level ground in a hill shade, darker than card: slopes towards the sun shall be brighter. */
export const SHADED: Rgb = [0.4, 0.38, 0.345];

/** Linear colour of what pictures of open country show in the mean. */
export const LAND: Rgb = [0.235, 0.245, 0.16];

/** Linear colour that the tiler gives to what no picture covers, beside pictures. */
export const BARE: Rgb = [0.444, 0.413, 0.342];

/** How pictures are shown on the ground: laid back below the model, as they are, or not at all. */
export type Picture = "quiet" | "full" | "none";

/** What is left of a picture's contrast, and with it of its colours. */
export const PICTURE: Readonly<Record<Picture, number>> = { quiet: 2 / 3, full: 1, none: 0 };

const FRAGMENT = /* glsl */ `
  void fragmentMain(FragmentInput fsInput, inout czm_modelMaterial material) {
    vec3 up = normalize(czm_viewRotation * u_up);
    vec3 normal = normalize(fsInput.attributes.normalEC);
    vec3 towardsSun = normalize(czm_lightDirectionEC);

    vec3 albedo = u_bare;
    vec2 relief = vec2(3.0, 1.1);        // slopes as if they were so much steeper; what light does to them
  #ifdef HAS_BASE_COLOR_TEXTURE
    if (u_share > 0.0) {
      vec3 shown = pow(material.diffuse, vec3(1.0 / 2.2));
      shown = mix(vec3(0.5), shown, u_share);
      albedo = pow(clamp(shown, 0.0, 1.0), vec3(2.2));
      relief = vec2(1.6, 0.5);           // a picture has shades of its own
    }
  #endif

    normal = normalize(normal + (relief.x - 1.0) * (normal - up * dot(normal, up)));
    float level = max(dot(up, towardsSun), 0.0);
    float shade = 1.0 + relief.y * (max(dot(normal, towardsSun), 0.0) - level);
    material.diffuse = albedo * (u_sky + u_sun * (0.34 + 0.66 * level)) * max(shade, 0.2);
  }
`;

/** A linear colour as the shader lays it back. */
export function laidBack(color: Rgb, share: number): Rgb {
  const [red, green, blue] = color.map((part) => (0.5 + (part ** (1 / 2.2) - 0.5) * share) ** 2.2);
  return [red ?? 0, green ?? 0, blue ?? 0];
}

/** The material of ground: its picture in the light of the hour, or card with a light hill shade. */
export class Soil {
  readonly shader = new CustomShader({
    lightingModel: LightingModel.UNLIT,
    uniforms: {
      u_up: { type: UniformType.VEC3, value: new Cartesian3(0, 0, 1) },
      u_sun: { type: UniformType.VEC3, value: new Cartesian3() },
      u_sky: { type: UniformType.VEC3, value: new Cartesian3() },
      u_bare: { type: UniformType.VEC3, value: vector(SHADED) },
      u_share: { type: UniformType.FLOAT, value: PICTURE.quiet },
    },
    fragmentShaderText: FRAGMENT,
  });

  setUp(up: Cartesian3): void {
    this.shader.setUniform("u_up", up);
  }

  setDaylight({ sun, sky }: Daylight): void {
    this.shader.setUniform("u_sun", vector(sun));
    this.shader.setUniform("u_sky", vector(sky));
  }

  /** Linear colour of ground without a picture. */
  setBare(color: Rgb): void {
    this.shader.setUniform("u_bare", vector(color));
  }

  setPicture(picture: Picture): void {
    this.shader.setUniform("u_share", PICTURE[picture]);
  }
}
