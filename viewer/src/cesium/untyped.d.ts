import type { BlendingState, DepthFunction } from "@cesium/engine";

/** What CesiumJS exports, but does not declare. */
declare module "@cesium/engine" {
  export interface Scene {
    /** What comes before each `render`: flights go on, and the camera follows the pointer. */
    initializeFrame(): void;
    /** Pixels of the canvas to a CSS pixel. */
    pixelRatio: number;
  }
  export class RenderState {
    /** One state for all that are equal; whatever is absent is as in WebGL's own initial state. */
    static fromCache(state: {
      readonly cull: { readonly enabled: boolean };
      readonly depthTest: { readonly enabled: boolean; readonly func: DepthFunction };
      readonly blending?: typeof BlendingState.ALPHA_BLEND;
      readonly polygonOffset?: { readonly enabled: boolean; readonly factor: number; readonly units: number };
    }): RenderState;
    private readonly id: number;
  }
}
