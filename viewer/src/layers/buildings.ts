import { fetchPlace, tilesetUrl } from "../api";
import { Buildings } from "../cesium/buildings";
import { labelsOf } from "../cesium/schema";
import { details } from "../twin/attributes";
import { isFeatureId } from "../twin/link";
import type { Text } from "../twin/words";
import { detailsContent, detailsSkeleton } from "../ui/details";
import { legend, type Swatch } from "../ui/legend";
import type { LayerKind } from "./kind";

const BUILDING: Text = { de: "Gebäude", en: "Building" };

const LEGEND: readonly Swatch[] = [
  { look: "wall", text: { de: "Wand", en: "Wall" } },
  { look: "pitched", text: { de: "Geneigtes Dach", en: "Pitched roof" } },
  { look: "flat", text: { de: "Flaches Dach", en: "Flat roof" } },
  { look: "selected", text: { de: "Ausgewählt", en: "Selected" } },
];

/** Buildings as a clay model: 3D Tiles whose features carry `id` and the attributes of their source. */
export const buildings: LayerKind = {
  kind: "buildings",
  description: { de: "Gebäude mit Dachform", en: "Buildings with roof shape" },
  isSubject: true,
  hidesSubjects: false,
  parameter: "gebaeude",
  settings: [],

  async load(layer, stage) {
    const staged = await Buildings.load(stage.scene, tilesetUrl(layer), stage.clay);
    const { tiles } = staged;
    return {
      get isShown() {
        return tiles.isShown;
      },
      set isShown(shown) {
        tiles.isShown = shown;
      },
      get progress() {
        return tiles.progress;
      },
      get isLoaded() {
        return tiles.isLoaded;
      },
      failures: tiles.failures,
      onChange: (listener) => tiles.onChange(listener),
      remove: () => tiles.remove(),
      section: (words) => legend(words, LEGEND),
      settings: [],
      set: () => undefined,
      choosing: {
        pick: (picked) => staged.pick(picked),
        place: async (id) => (isFeatureId(id) ? fetchPlace(layer, id) : null),
        attributes: (id) => staged.attributes(id),
        outlined: (id) => staged.features(id),
        sheet({ id, attributes }, words, copyFailed) {
          if (attributes === null) {
            return { title: words.in(BUILDING), subtitle: id, content: detailsSkeleton(words.say("loadingBuilding")) };
          }
          const shown = details(attributes, words.language, labelsOf(tiles.tileset));
          return { ...shown, content: detailsContent(shown, words, copyFailed) };
        },
        unknown: {
          de: "Ein Gebäude mit der ID „{id}“ ist hier nicht bekannt. Bitte prüfen Sie den Link.",
          en: "A building with the ID “{id}” is not known here. Please check the link.",
        },
        unanswered: {
          de: "Das Gebäude „{id}“ konnte nicht gesucht werden, weil der Server nicht antwortet.",
          en: "The building “{id}” could not be looked up because the server does not answer.",
        },
      },
    };
  },
};
