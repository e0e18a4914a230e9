/** In place of a decoder of Gaussian splats, a quarter of a megabyte that no layer of a twin uses. */
export function loadSpz(): Promise<never> {
  return Promise.reject(new Error("this viewer shows no Gaussian splats"));
}
