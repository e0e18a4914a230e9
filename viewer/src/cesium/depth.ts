/** GLSL that every pass over the finished picture shares: how far away a pixel is, and where it stands. */
export const DEPTH = /* glsl */ `
  uniform sampler2D depthTexture;
  in vec2 v_textureCoordinates;

  // Metres along the view direction.
  float distanceFromPlane(vec2 uv) {
    float near = czm_currentFrustum.x;
    float far = czm_currentFrustum.y;
    return near * far / (far - texture(depthTexture, uv).r * (far - near));
  }

  vec3 positionEC(vec2 uv, float depth) {
    vec2 plane = (uv * 2.0 - 1.0) / vec2(czm_projection[0][0], czm_projection[1][1]);
    return vec3(plane, -1.0) * depth;
  }
`;
