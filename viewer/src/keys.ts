import type { CameraMan } from "./cesium/camera";

interface Other {
  readonly pickMiddle: () => void;
  readonly deselect: () => void;
  readonly goHome: () => void;
}

const TURN = 10;
const TILT = 6;

/** Steer the camera by keys while the scene has the focus. */
export function cameraKeys(scene: HTMLElement, camera: CameraMan, { pickMiddle, deselect, goHome }: Other): void {
  const plain: Record<string, () => void> = {
    ArrowLeft: () => camera.pan(-1, 0),
    ArrowRight: () => camera.pan(1, 0),
    ArrowUp: () => camera.pan(0, 1),
    ArrowDown: () => camera.pan(0, -1),
    "+": () => camera.orbit(0, 0, 0.75),
    "=": () => camera.orbit(0, 0, 0.75),
    "-": () => camera.orbit(0, 0, 1.33),
    n: () => camera.faceNorth(),
    Home: goHome,
    Enter: pickMiddle,
    Escape: deselect,
  };
  const shifted: Record<string, () => void> = {
    ArrowLeft: () => camera.orbit(-TURN, 0),
    ArrowRight: () => camera.orbit(TURN, 0),
    ArrowUp: () => camera.orbit(0, TILT),
    ArrowDown: () => camera.orbit(0, -TILT),
  };
  scene.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const act = (event.shiftKey ? shifted[key] : undefined) ?? plain[key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
