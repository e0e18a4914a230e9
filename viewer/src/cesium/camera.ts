import {
  BoundingSphere,
  CameraEventType,
  Cartesian2,
  Cartesian3,
  Cartographic,
  Math as CesiumMath,
  EasingFunction,
  HeadingPitchRange,
  KeyboardEventModifier,
  Matrix4,
  type Scene,
  Transforms,
} from "@cesium/engine";
import type { Extent } from "../twin/description";
import { type Local, standpoint, type Window } from "../twin/framing";
import type { CameraPlace } from "../twin/link";

const START_HEADING = CesiumMath.toRadians(332);
const START_PITCH = CesiumMath.toRadians(-17);
const START_PITCH_UPRIGHT = CesiumMath.toRadians(-33);
const START_HEADING_ACROSS = CesiumMath.toRadians(298);
/** At most this much of a large county, from its middle to each side, fills the first view: houses must still be houses. */
const START_REACH = 400;
const START_LEAST_REACH = 30;
/** Roofs up to here (metres above the ground) are inside the first view; a spire may reach above. */
const START_ROOFS = 30;
const START_MARGIN = 24;

/** The part of the canvas that no panel covers, in CSS pixels. */
export interface Clearing {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Everything that moves the camera. */
export class CameraMan {
  private home: {
    readonly toWorld: Matrix4;
    readonly east: number;
    readonly north: number;
    readonly roofs: number;
  } | null = null;
  private readonly calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  constructor(private readonly scene: Scene) {
    const control = scene.screenSpaceCameraController;
    control.minimumZoomDistance = 15;
    control.maximumZoomDistance = 60_000;
    control.maximumTiltAngle = CesiumMath.toRadians(88);
    control.zoomEventTypes = [CameraEventType.WHEEL, CameraEventType.PINCH];
    control.tiltEventTypes = [
      CameraEventType.RIGHT_DRAG,
      CameraEventType.MIDDLE_DRAG,
      CameraEventType.PINCH,
      { eventType: CameraEventType.LEFT_DRAG, modifier: KeyboardEventModifier.CTRL },
      { eventType: CameraEventType.LEFT_DRAG, modifier: KeyboardEventModifier.SHIFT },
    ];
    if (this.calm.matches) {
      control.inertiaSpin = 0;
      control.inertiaTranslate = 0;
      control.inertiaZoom = 0;
    }
  }

  /** Tell where the data lies and on what height its ground is. */
  setHome(extent: Extent, groundHeight: number): void {
    const { west, south, east, north, high } = extent;
    const centre = Cartesian3.fromDegrees((west + east) / 2, (south + north) / 2, groundHeight);
    const toWorld = Transforms.eastNorthUpToFixedFrame(centre);
    const corner = Matrix4.multiplyByPoint(
      Matrix4.inverseTransformation(toWorld, new Matrix4()),
      Cartesian3.fromDegrees(east, north, groundHeight),
      new Cartesian3(),
    );
    this.home = {
      toWorld,
      east: CesiumMath.clamp(corner.x, START_LEAST_REACH, START_REACH),
      north: CesiumMath.clamp(corner.y, START_LEAST_REACH, START_REACH),
      roofs: CesiumMath.clamp(high - groundHeight, 0, START_ROOFS),
    };
  }

  /** Show the start view: all of the data, or the middle of a large county, in the part of the picture that is free. */
  goHome(clearing: Clearing, duration = this.duration(1.6)): void {
    if (!this.home) return;
    const { clientWidth, clientHeight } = this.scene.canvas;
    const { toWorld, east, north, roofs } = this.home;
    // Upright screens look down more steeply: there is height to fill, not width. What is long lies along the screen.
    const isUpright = clientHeight > clientWidth;
    const isLong = isUpright ? east > 1.6 * north : north > 1.6 * east;
    const heading = isLong ? START_HEADING_ACROSS : START_HEADING;
    const pitch = isUpright ? START_PITCH_UPRIGHT : START_PITCH;
    const raised = (points: readonly (readonly [number, number])[]): Local[] =>
      points.flatMap(([x, y]) => [0, roofs].map((z): Local => [x, y, z]));
    // No corner of the data is cut off at a side; but corners are often empty, so what lies within is in the middle.
    const corners = [-east, east].flatMap((x) => [-north, north].map((y) => [x, y] as const));
    const within = Array.from({ length: 24 }, (_, i) => (i * Math.PI) / 12).map(
      (turn) => [east * Math.cos(turn), north * Math.sin(turn)] as const,
    );
    const window = this.window(clearing);
    const local = standpoint(raised(corners), raised(within), { heading, pitch }, window);
    const place = Matrix4.multiplyByPoint(toWorld, Cartesian3.fromElements(...local), new Cartesian3());
    const { camera } = this.scene;
    const orientation = { heading, pitch, roll: 0 };
    if (duration === 0) camera.setView({ destination: place, orientation });
    else camera.flyTo({ destination: place, orientation, duration, easingFunction: EasingFunction.CUBIC_IN_OUT });
    this.scene.requestRender();
  }

  /** Show one building, obliquely and with its neighbours, in the middle of what is free on arrival. */
  goTo(extent: Extent, isFirstView: boolean, clearing: () => Clearing): void {
    const sphere = sphereOf(extent, (extent.low + extent.high) / 2);
    const range = Math.max(sphere.radius * 4.5, 95);
    const pitch = CesiumMath.toRadians(-35);
    const makeRoom = (seconds?: number): void => this.makeRoom(sphere.center, clearing(), "middle", seconds);
    if (!isFirstView) {
      this.fly(sphere.center, range, this.scene.camera.heading, pitch, this.duration(1.8), () => makeRoom());
      return;
    }
    this.look(sphere.center, range, START_HEADING, pitch);
    // Before its first frame the camera does not know how wide it sees.
    const drawn = this.scene.postRender.addEventListener(() => {
      drawn();
      makeRoom(0);
    });
  }

  get place(): CameraPlace {
    const { camera } = this.scene;
    const { longitude, latitude, height } = camera.positionCartographic;
    return {
      longitude: CesiumMath.toDegrees(longitude),
      latitude: CesiumMath.toDegrees(latitude),
      height,
      heading: CesiumMath.toDegrees(CesiumMath.zeroToTwoPi(camera.heading)),
      pitch: CesiumMath.toDegrees(camera.pitch),
    };
  }

  setPlace(place: CameraPlace): void {
    this.scene.camera.setView({
      destination: Cartesian3.fromDegrees(place.longitude, place.latitude, place.height),
      orientation: { heading: CesiumMath.toRadians(place.heading), pitch: CesiumMath.toRadians(place.pitch), roll: 0 },
    });
    this.scene.requestRender();
  }

  /** Shift the view so that a point of the world stands inside the clearing, or in its middle. */
  makeRoom(point: Cartesian3, clearing: Clearing, where: "inside" | "middle" = "inside", seconds = 0.25): void {
    const { scene } = this;
    const { camera } = scene;
    const seen = scene.cartesianToCanvasCoordinates(point, new Cartesian2());
    if (!seen) return;
    const inset = (low: number, high: number): number => (where === "middle" ? (high - low) / 2 : 64);
    const [insetX, insetY] = [inset(clearing.left, clearing.right), inset(clearing.top, clearing.bottom)];
    const dx = outside(seen.x, clearing.left + insetX, clearing.right - insetX);
    const dy = outside(seen.y, clearing.top + insetY, clearing.bottom - insetY);
    if (dx === 0 && dy === 0) return;
    const depth = Cartesian3.dot(Cartesian3.subtract(point, camera.positionWC, new Cartesian3()), camera.directionWC);
    const frustum = camera.frustum as unknown as { fovy: number };
    const metresPerPixel = (2 * depth * Math.tan(frustum.fovy / 2)) / scene.canvas.clientHeight;
    // Along the ground, not along the picture: the camera keeps its height.
    const up = Cartesian3.normalize(point, new Cartesian3());
    const right = camera.rightWC;
    const ahead = Cartesian3.normalize(Cartesian3.cross(up, right, new Cartesian3()), new Cartesian3());
    const slant = Math.max(Math.abs(Math.sin(camera.pitch)), 0.2);
    const move = Cartesian3.multiplyByScalar(right, dx * metresPerPixel, new Cartesian3());
    Cartesian3.add(move, Cartesian3.multiplyByScalar(ahead, (-dy * metresPerPixel) / slant, new Cartesian3()), move);
    const { heading, pitch, roll } = camera;
    camera.flyTo({
      destination: Cartesian3.add(camera.positionWC, move, new Cartesian3()),
      orientation: { heading, pitch, roll },
      duration: this.duration(seconds),
      easingFunction: EasingFunction.QUADRATIC_OUT,
      maximumHeight: camera.positionCartographic.height,
    });
    scene.requestRender();
  }

  /** Move over the ground by a share of the distance to what is looked at. */
  pan(right: number, ahead: number): void {
    const { camera } = this.scene;
    const focus = this.focus();
    const reach = Cartesian3.distance(focus, camera.positionWC) * 0.12;
    const up = Cartesian3.normalize(camera.positionWC, new Cartesian3());
    const forward = Cartesian3.normalize(Cartesian3.cross(up, camera.rightWC, new Cartesian3()), new Cartesian3());
    camera.move(camera.rightWC, right * reach);
    camera.move(forward, ahead * reach);
    this.scene.requestRender();
  }

  /** Turn and tilt (degrees) around what is looked at, or come nearer (factor below 1). */
  orbit(turn: number, tilt: number, factor = 1): void {
    const { camera } = this.scene;
    const focus = this.focus();
    const range = Math.min(Math.max(Cartesian3.distance(focus, camera.positionWC) * factor, 20), 60_000);
    const pitch = CesiumMath.clamp(camera.pitch + CesiumMath.toRadians(tilt), -CesiumMath.PI_OVER_TWO, -0.06);
    this.look(focus, range, camera.heading + CesiumMath.toRadians(turn), pitch);
  }

  faceNorth(): void {
    const { camera } = this.scene;
    const focus = this.focus();
    this.fly(focus, Cartesian3.distance(focus, camera.positionWC), 0, camera.pitch, this.duration(0.5));
  }

  get headingDegrees(): number {
    return CesiumMath.toDegrees(this.scene.camera.heading);
  }

  /** The point of ground in the middle of the picture, or one straight ahead where the middle is sky. */
  private focus(): Cartesian3 {
    const { camera, canvas, globe } = this.scene;
    const ray = camera.getPickRay(new Cartesian2(canvas.clientWidth / 2, canvas.clientHeight / 2));
    const hit = ray && globe ? globe.pick(ray, this.scene) : undefined;
    const reach = Math.max(camera.positionCartographic.height * 2, 100);
    if (hit && Cartesian3.distance(hit, camera.positionWC) < reach * 6) return hit;
    const ahead = Cartesian3.multiplyByScalar(camera.directionWC, reach, new Cartesian3());
    return Cartesian3.add(camera.positionWC, ahead, ahead);
  }

  /** The clearing as the camera sees it, or the whole picture where next to nothing is clear. */
  private window(clearing: Clearing): Window {
    const { clientWidth: width, clientHeight: height } = this.scene.canvas;
    const { fovy } = this.scene.camera.frustum as unknown as { fovy: number };
    const metres = (2 * Math.tan(fovy / 2)) / height;
    const hasRoom = clearing.right - clearing.left > 120 && clearing.bottom - clearing.top > 120;
    const { left, top, right, bottom } = hasRoom ? clearing : { left: 0, top: 0, right: width, bottom: height };
    return {
      left: (left + START_MARGIN - width / 2) * metres,
      right: (right - START_MARGIN - width / 2) * metres,
      bottom: (height / 2 - bottom + START_MARGIN) * metres,
      top: (height / 2 - top - START_MARGIN) * metres,
    };
  }

  private look(centre: Cartesian3, range: number, heading: number, pitch: number): void {
    const { camera } = this.scene;
    camera.lookAt(centre, new HeadingPitchRange(heading, pitch, range));
    camera.lookAtTransform(Matrix4.IDENTITY); // free again
    this.scene.requestRender();
  }

  private fly(
    centre: Cartesian3,
    range: number,
    heading: number,
    pitch: number,
    duration: number,
    arrived: () => void = () => undefined,
  ): void {
    if (duration === 0) {
      this.look(centre, range, heading, pitch);
      arrived();
      return;
    }
    this.scene.camera.flyToBoundingSphere(new BoundingSphere(centre, 1), {
      offset: new HeadingPitchRange(heading, pitch, range),
      duration,
      easingFunction: EasingFunction.CUBIC_IN_OUT,
      complete: arrived,
    });
    this.scene.requestRender();
  }

  private duration(seconds: number): number {
    return this.calm.matches ? 0 : seconds;
  }
}

function outside(value: number, low: number, high: number): number {
  if (low > high) return value - (low + high) / 2;
  if (value < low) return value - low;
  return value > high ? value - high : 0;
}

function sphereOf(extent: Extent, height: number): BoundingSphere {
  const { west, south, east, north } = extent;
  const corners = [
    [west, south],
    [east, north],
  ] as const;
  const [low, high] = corners.map(([lon, lat]) => Cartesian3.fromDegrees(lon, lat, height)) as [Cartesian3, Cartesian3];
  const centre = Cartographic.toCartesian(Cartographic.fromDegrees((west + east) / 2, (south + north) / 2, height));
  return new BoundingSphere(centre, Math.max(Cartesian3.distance(low, high) / 2, (extent.high - extent.low) / 2, 5));
}
