/** How dear a picture may be: `high` wants a graphics card, `sparing` runs without one. */
export type Quality = "high" | "sparing";

/** Who draws, as WebGL 2 names it; null where there is no WebGL 2. */
export function rendererName(): string | null {
  const context = document.createElement("canvas").getContext("webgl2");
  if (!context) return null;
  const names = context.getExtension("WEBGL_debug_renderer_info");
  const name = names ? String(context.getParameter(names.UNMASKED_RENDERER_WEBGL)) : "unknown";
  context.getExtension("WEBGL_lose_context")?.loseContext();
  return name;
}

/** What suits a renderer: without a graphics card no cast shadows and no smoothing, or each frame takes seconds. */
export function suitableQuality(renderer: string): Quality {
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(renderer) ? "sparing" : "high";
}
