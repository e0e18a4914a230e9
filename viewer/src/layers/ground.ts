import { ShadowMode } from "@cesium/engine";
import { fetchPictures, terrainUrl, tilesetUrl } from "../api";
import { Draped } from "../cesium/draped";
import type { Picture } from "../cesium/soil";
import { Tiles } from "../cesium/tiles";
import type { LayerKind, Setting } from "./kind";

const FORM: Setting = {
  parameter: "gelaende",
  title: { de: "Darstellung des Geländes", en: "Form of the terrain" },
  values: [
    { value: "netz", text: { de: "Netz (3D Tiles)", en: "Mesh (3D Tiles)" } },
    { value: "globus", text: { de: "Globus", en: "Globe" } },
  ],
};

const PICTURES: Readonly<Record<string, Picture>> = { zurueck: "quiet", voll: "full", aus: "none" };

const PICTURE: Setting = {
  parameter: "luftbild",
  title: { de: "Luftbild", en: "Aerial photo" },
  values: [
    { value: "zurueck", text: { de: "Zurückgenommen", en: "Laid back" } },
    { value: "voll", text: { de: "Voll", en: "Full" } },
    { value: "aus", text: { de: "Aus (nur Relief)", en: "Off (relief only)" } },
  ],
};

/** Ground that buildings stand on: a textured mesh, or terrain and pictures on the globe, from the same sources. */
export const ground: LayerKind = {
  kind: "ground",
  description: { de: "Gelände, wo vorhanden mit Luftbild", en: "Terrain, with an aerial photo where there is one" },
  isSubject: false,
  hidesSubjects: false,
  parameter: null,
  settings: [FORM, PICTURE],

  async load(layer, stage) {
    const pictures = await fetchPictures(layer);
    const url = terrainUrl(layer);
    const draped = url === null ? null : await Draped.load(stage.scene, url, pictures);
    let tiles: Tiles;
    try {
      tiles = await Tiles.load(stage.scene, tilesetUrl(layer), {
        shadows: ShadowMode.RECEIVE_ONLY,
        backFaceCulling: true,
        // At 16, a texel is as wide as a pixel.
        maximumScreenSpaceError: stage.quality === "high" ? 16 : 24,
        cacheBytes: 512 * 1024 * 1024,
        dynamicScreenSpaceError: true,
      });
    } catch (error) {
      draped?.remove();
      throw error;
    }
    tiles.tileset.customShader = stage.soil.shader;
    let isShown = true;
    let isMesh = true;
    const suit = (): void => {
      tiles.isShown = isShown && isMesh;
      stage.underlay.claim(
        tiles,
        isShown
          ? {
              extent: layer.extent,
              terrain: draped?.terrain ?? null,
              imagery: draped?.imagery ?? null,
              hasMesh: isMesh,
            }
          : null,
      );
      if (!isShown && draped?.imagery) draped.imagery.show = false;
    };
    suit();
    return {
      get isShown() {
        return isShown;
      },
      set isShown(shown) {
        isShown = shown;
        suit();
      },
      get progress() {
        return tiles.progress;
      },
      get isLoaded() {
        return tiles.isLoaded;
      },
      get failures() {
        return [...tiles.failures, ...(draped?.failures ?? [])];
      },
      onChange(listener) {
        tiles.onChange(listener);
        draped?.onChange(listener);
      },
      remove() {
        stage.underlay.claim(tiles, null);
        tiles.remove();
        draped?.remove();
      },
      section: () => [],
      settings: [...(draped ? [FORM] : []), ...(pictures ? [PICTURE] : [])],
      set({ parameter }, value) {
        if (parameter === FORM.parameter) {
          isMesh = draped === null || value !== "globus";
          suit();
        } else if (parameter === PICTURE.parameter) {
          stage.underlay.setPicture(PICTURES[value] ?? "quiet");
        }
      },
      choosing: null,
    };
  },
};
