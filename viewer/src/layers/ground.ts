import { Cartesian3, Cartographic, Math as CesiumMath, ShadowMode } from "@cesium/engine";
import { fetchPictures, fetchPosition, RequestError, terrainUrl, tilesetUrl } from "../api";
import { Draped } from "../cesium/draped";
import { Mark } from "../cesium/mark";
import type { Picture } from "../cesium/soil";
import { Tiles } from "../cesium/tiles";
import type { Attributes } from "../twin/attributes";
import { DescriptionError, type Extent } from "../twin/description";
import { type Place, parsePlace, placeId, placeRows } from "../twin/place";
import type { Text } from "../twin/words";
import { detailsContent, detailsSkeleton } from "../ui/details";
import type { LayerKind, Setting } from "./kind";

const PLACE: Text = { de: "Ort im Gelände", en: "Place on the ground" };
const LOOKING: Text = { de: "Die Höhe wird ermittelt", en: "Looking up the height" };
/** What a link to a place shows around it, degrees: some 150 m. */
const AROUND = 0.0007;

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
  parameter: "ort",
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
    const mark = new Mark(stage.scene);
    const known = new Map<string, Attributes>();
    const listeners: (() => void)[] = [];
    const ask = async (id: string, place: Place): Promise<void> => {
      // Coordinates stay where the server does not answer: the height alone is missing then.
      const position = await fetchPosition(place).catch((error: unknown) => {
        if (error instanceof RequestError || error instanceof DescriptionError) return null;
        throw error;
      });
      known.clear();
      known.set(id, { position });
      for (const listener of listeners) listener();
    };
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
        listeners.push(listener);
      },
      remove() {
        stage.underlay.claim(tiles, null);
        tiles.remove();
        draped?.remove();
        mark.remove();
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
      choosing: {
        pick(picked, point) {
          if (!point || !isShown) return null;
          // A globe is nothing that CesiumJS picks: there is a depth, and no thing.
          const isHit = isMesh
            ? (picked as { primitive?: unknown })?.primitive === tiles.tileset
            : picked === undefined;
          const { longitude, latitude, height } = Cartographic.fromCartesian(point);
          const place = {
            longitude: CesiumMath.toDegrees(longitude),
            latitude: CesiumMath.toDegrees(latitude),
            height,
          };
          if (!isHit || !isWithin(place, layer.extent)) return null;
          const id = placeId(place);
          void ask(id, place);
          return { id, attributes: known.get(id) ?? null };
        },
        async place(id) {
          const place = parsePlace(id);
          if (!place || !isWithin(place, layer.extent)) return null;
          void ask(id, place);
          const { longitude, latitude, height } = place;
          return {
            west: longitude - AROUND,
            east: longitude + AROUND,
            south: latitude - AROUND,
            north: latitude + AROUND,
            low: height,
            high: height + 10,
          };
        },
        attributes: (id) => known.get(id) ?? null,
        outlined(id) {
          const place = parsePlace(id);
          mark.set(place && Cartesian3.fromDegrees(place.longitude, place.latitude, place.height));
          return [];
        },
        released: () => mark.set(null),
        sheet({ id, attributes }, words, copyFailed) {
          const title = words.in(PLACE);
          if (attributes === null) return { title, subtitle: "", content: detailsSkeleton(words.in(LOOKING)) };
          const rows = placeRows(id, attributes, words);
          return {
            title,
            subtitle: "",
            content: detailsContent({ title, subtitle: "", rows, more: [] }, words, copyFailed),
          };
        },
        unknown: {
          de: "Den Ort „{id}“ gibt es hier nicht. Bitte prüfen Sie den Link.",
          en: "There is no place “{id}” here. Please check the link.",
        },
        unanswered: {
          de: "Die Höhe konnte nicht ermittelt werden, weil der Server nicht antwortet.",
          en: "The height could not be found because the server does not answer.",
        },
      },
    };
  },
};

function isWithin({ longitude, latitude }: Place, { west, south, east, north }: Extent): boolean {
  return longitude >= west && longitude <= east && latitude >= south && latitude <= north;
}
