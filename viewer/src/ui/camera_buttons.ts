import type { Words } from "../twin/words";
import { iconButton } from "./button";
import { el } from "./dom";

export interface CameraButtons {
  readonly element: HTMLElement;
  setHeading(degrees: number): void;
}

export interface CameraActions {
  readonly zoom: (factor: number) => void;
  readonly faceNorth: () => void;
  readonly goHome: () => void;
}

/** Nearer, further, north and start view, for whoever has no wheel or no steady hand. */
export function cameraButtons({ say }: Words, actions: CameraActions): CameraButtons {
  const north = iconButton("north", say("faceNorth"), actions.faceNorth);
  const needle = north.firstElementChild as SVGElement;
  return {
    element: el(
      "section",
      { class: "camera-buttons surface", "aria-label": say("camera") },
      iconButton("plus", say("zoomIn"), () => actions.zoom(0.65)),
      iconButton("minus", say("zoomOut"), () => actions.zoom(1.5)),
      north,
      iconButton("home", say("startView"), actions.goHome),
    ),
    setHeading(degrees) {
      // Lucide's needle points to the upper right; north is up.
      needle.style.transform = `rotate(${(-degrees - 45).toFixed(1)}deg)`;
    },
  };
}
