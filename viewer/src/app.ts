import type { Cesium3DTileFeature } from "@cesium/engine";
import { fetchGround, fetchPlace, fetchTwin, RequestError, tilesetUrl } from "./api";
import { attributesOf, Buildings, tilesetStatus } from "./cesium/buildings";
import { CameraMan, type Clearing } from "./cesium/camera";
import { onClick, pickBuilding } from "./cesium/picking";
import { NoWebGLError, Stage } from "./cesium/stage";
import { Calm, canvasPosition, type TestHook } from "./hook";
import { cameraKeys } from "./keys";
import { details } from "./twin/attributes";
import { type CivilTime, civilTime, instantOf } from "./twin/civil_time";
import { DescriptionError, type Extent, type Layer, type Twin } from "./twin/description";
import { Ground } from "./twin/ground";
import { formatLink, isBuildingId, type Link, parseLink } from "./twin/link";
import { Countdown, waitSeconds } from "./twin/retry";
import { type Selection, SelectionModel } from "./twin/selection";
import { startTime } from "./twin/start_time";
import { Words } from "./twin/words";
import { Chrome } from "./ui/chrome";
import { detailsContent, detailsSkeleton } from "./ui/details";
import { foreign } from "./ui/dom";
import { helpContent } from "./ui/help";
import { layersContent } from "./ui/layers";

type Open = "layers" | "help" | null;

/** The page: brings the twin's description, the stage and the controls together. */
export class App {
  private readonly errors: string[] = [];
  private readonly selection = new SelectionModel();
  private readonly scenePlace: HTMLElement;
  private readonly link: Link;
  private readonly layers = new Map<Layer, Buildings>();
  private chrome: Chrome;
  private stage: Stage | null = null;
  private camera: CameraMan | null = null;
  private calm: Calm | null = null;
  private twin: Twin | null = null;
  private time: CivilTime = civilTime(new Date());
  private openPanel: Open = null;
  private attempts = 0;
  private lostTiles = 0;
  private isFirstView = true;

  constructor(private readonly root: HTMLElement) {
    this.link = parseLink(window.location.search);
    this.scenePlace = document.createElement("main");
    this.scenePlace.className = "scene";
    this.chrome = this.dress(new Words(this.link.language ?? "de"));
    window.addEventListener("error", (event) => this.errors.push(String(event.message)));
    window.addEventListener("unhandledrejection", (event) => this.errors.push(String(event.reason)));
    this.selection.onChange((now, before) => this.showSelection(now, before));
    window.zwilling = this.hook();
  }

  async start(): Promise<void> {
    const { say } = this.chrome.words;
    try {
      this.stage = new Stage(this.scenePlace, this.link.quality);
    } catch (error) {
      if (!(error instanceof NoWebGLError)) this.errors.push(String(error));
      this.chrome.showTools(false);
      this.chrome.states.show({ symbol: "warning", title: say("webglTitle"), text: say("webglText") });
      return;
    }
    const { scene } = this.stage;
    this.camera = new CameraMan(scene);
    this.calm = new Calm(scene, () => this.isComplete());
    scene.renderError.addEventListener((_scene: unknown, error: unknown) => this.showRenderError(error));
    onClick(scene, (x, y) => this.pick(x, y));
    cameraKeys(this.scenePlace, this.camera, {
      pickMiddle: () => this.pick(scene.canvas.clientWidth / 2, scene.canvas.clientHeight / 2),
      deselect: () => this.selection.clear(),
    });
    scene.postRender.addEventListener(() => this.chrome.camera.setHeading(this.camera?.headingDegrees ?? 0));
    await this.load();
  }

  /** Ask for the twin and build the scene; where that fails, say so and try again after a while. */
  private async load(): Promise<void> {
    const { chrome } = this;
    chrome.states.hide();
    chrome.loading.show(null, chrome.words.say("loading"));
    try {
      this.twin = await fetchTwin();
      this.showTitle();
      if (this.twin.layers.length === 0) this.showEmpty();
      else await this.build(this.twin);
      this.attempts = 0;
    } catch (error) {
      this.forgetTwin();
      this.showLoadError(error);
    }
  }

  /** The next attempt starts anew: by then the server may have published another version. */
  private forgetTwin(): void {
    this.twin = null;
    for (const buildings of this.layers.values()) buildings.remove();
    this.layers.clear();
  }

  private async build(twin: Twin): Promise<void> {
    const { stage, camera, chrome } = this;
    if (!stage || !camera) return;
    const layers = twin.layers.filter((layer) => layer.kind === "buildings");
    const [first] = layers;
    if (!first) {
      this.showEmpty();
      return;
    }
    const extent = union(layers.map((layer) => layer.extent));
    for (const layer of layers) {
      const buildings = await Buildings.load(stage.scene, tilesetUrl(layer), stage.clay);
      buildings.onChange(() => this.tilesChanged());
      this.layers.set(layer, buildings);
    }
    const ground = await this.ground(first, extent);
    stage.setPlace(extent, ground);
    const [longitude, latitude] = [(extent.west + extent.east) / 2, (extent.south + extent.north) / 2];
    camera.setHome(extent, ground.at(longitude, latitude));
    this.setTime(this.link.time ?? startTime(new Date(), longitude, latitude));
    chrome.showTools(true);
    if (this.link.camera) camera.setPlace(this.link.camera);
    else camera.goHome(0);
    if (this.link.building) await this.choose(this.link.building, this.link.camera === null);
    this.isFirstView = false;
    stage.scene.requestRender();
  }

  private async ground(layer: Layer, extent: Extent): Promise<Ground> {
    try {
      const ground = await fetchGround(layer);
      if (ground) return ground;
    } catch (error) {
      if (!(error instanceof RequestError || error instanceof DescriptionError)) throw error;
      this.chrome.notices.show("ground", this.chrome.words.say("groundFailed"), "warning", null);
    }
    return Ground.level(extent, extent.low);
  }

  // Choosing

  private pick(x: number, y: number): void {
    if (!this.stage) return;
    const hit = pickBuilding(this.stage.scene, [...this.layers.values()], x, y);
    if (!hit) {
      this.selection.clear();
      return;
    }
    this.select(hit.buildings, hit.feature);
    if (hit.point) this.camera?.makeRoom(hit.point, this.clearing());
  }

  private select(buildings: Buildings, feature: Cesium3DTileFeature): void {
    const attributes = attributesOf(feature);
    const building = attributes.id;
    const layer = [...this.layers].find(([, candidate]) => candidate === buildings)?.[0];
    if (typeof building === "string" && layer) this.selection.select({ layer: layer.id, building, attributes });
  }

  /** Find a building by its id, show it, and fly there unless the camera's place was given. */
  private async choose(building: string, fly: boolean): Promise<void> {
    const { say } = this.chrome.words;
    try {
      for (const layer of this.layers.keys()) {
        const place = isBuildingId(building) ? await fetchPlace(layer, building) : null;
        if (!place) continue;
        this.selection.select({ layer: layer.id, building, attributes: null });
        if (fly) this.camera?.goTo(place, this.isFirstView, () => this.clearing());
        this.tilesChanged();
        return;
      }
      this.chrome.notices.show("building", say("unknownBuilding", { id: shortened(building) }), "warning", null);
    } catch (error) {
      if (!(error instanceof RequestError || error instanceof DescriptionError)) throw error;
      this.chrome.notices.show("building", say("buildingFailed", { id: shortened(building) }), "warning", null);
    }
  }

  private showSelection(now: Selection | null, before: Selection | null): void {
    const { chrome } = this;
    this.showHighlight();
    this.writeAddress();
    if (!now) {
      chrome.sheet.close();
      if (before) chrome.announce(chrome.words.say("deselected"));
      return;
    }
    chrome.notices.hide("building");
    this.fillSheet(now);
  }

  private fillSheet(now: Selection): void {
    const { chrome } = this;
    const { words } = chrome;
    if (now.attributes === null) {
      chrome.sheet.show(words.say("building"), foreign(now.building), detailsSkeleton(words), null);
      return;
    }
    const shown = details(now.attributes, words.language);
    const copyFailed = (): void => chrome.notices.show("copy", words.say("copyFailed"), "warning", 8);
    chrome.sheet.show(foreign(shown.title), foreign(shown.subtitle), detailsContent(shown, words, copyFailed), null);
    chrome.announce(words.say("selected", { name: [shown.title, shown.subtitle].filter(Boolean).join(", ") }));
  }

  private showHighlight(): void {
    const building = this.selection.current?.building;
    const features = building ? [...this.layers.values()].flatMap((layer) => layer.features(building)) : [];
    this.stage?.finish.setSelected(features);
    this.stage?.scene.requestRender();
  }

  private tilesChanged(): void {
    const { chrome } = this;
    const { say } = chrome.words;
    const layers = [...this.layers.values()];
    const done = layers.reduce((sum, layer) => sum + layer.progress.done, 0);
    const all = layers.reduce((sum, layer) => sum + layer.progress.all, 0);
    if (done < all) chrome.loading.show(done / all, say("loadingTiles", { done, all }));
    else if (layers.length > 0) chrome.loading.hide();

    const lost = layers.reduce((sum, layer) => sum + layer.failures.length, 0);
    if (lost > this.lostTiles) {
      this.lostTiles = lost;
      const text = lost === 1 ? say("tilesFailedOne") : say("tilesFailedMany", { count: lost });
      chrome.notices.show("tiles", text, "warning", null);
    }

    const { current } = this.selection;
    if (!current) return;
    const [feature] = layers.flatMap((layer) => layer.features(current.building));
    if (feature && current.attributes === null) this.selection.fill(current.building, attributesOf(feature));
    else this.showHighlight();
  }

  // Time

  private setTime(time: CivilTime): void {
    const instant = instantOf(time);
    if (!this.stage || !instant) return;
    this.time = time;
    this.chrome.time.set(time, this.stage.setTime(instant));
  }

  // The page around the scene

  /** Build the controls in a language, in place of those that are there. */
  private dress(words: Words): Chrome {
    document.documentElement.lang = words.language;
    const chrome = new Chrome(words, {
      toggleLayers: () => this.togglePanel("layers"),
      toggleHelp: () => this.togglePanel("help"),
      share: () => void this.share(),
      switchLanguage: () => this.switchLanguage(),
      focusScene: () => this.scenePlace.focus(),
      setTime: (time) => this.setTime(time),
      setNow: () => this.setTime(civilTime(new Date())),
      panelClosed: () => this.panelClosed(),
      sheetClosed: () => this.selection.clear(),
      zoom: (factor) => this.camera?.orbit(0, 0, factor),
      faceNorth: () => this.camera?.faceNorth(),
      goHome: () => this.camera?.goHome(),
    });
    this.scenePlace.tabIndex = 0;
    this.scenePlace.setAttribute("aria-label", words.say("scene"));
    this.root.replaceChildren(chrome.element);
    chrome.bar.element.after(this.scenePlace);
    chrome.showTools(false);
    return chrome;
  }

  private switchLanguage(): void {
    const open = this.openPanel;
    this.chrome = this.dress(new Words(this.chrome.words.language === "de" ? "en" : "de"));
    this.openPanel = null;
    this.showTitle();
    if (this.layers.size > 0) {
      this.chrome.showTools(true);
      this.setTime(this.time);
      if (this.selection.current) this.fillSheet(this.selection.current);
      if (open) this.togglePanel(open);
    }
    this.writeAddress();
    this.chrome.element.querySelector<HTMLElement>(".language")?.focus();
  }

  private showTitle(): void {
    if (!this.twin) return;
    const { title, isSynthetic, attribution, layers } = this.twin;
    document.title = `${title} – ${this.chrome.words.say("appName")}`;
    this.chrome.bar.setTitle(title, isSynthetic);
    this.chrome.setCredits([...new Set([...attribution, ...layers.flatMap((layer) => layer.attribution)])]);
  }

  private togglePanel(which: Exclude<Open, null>): void {
    const { panel, words, bar } = this.chrome;
    if (this.openPanel === which) {
      panel.close();
      return;
    }
    this.openPanel = which;
    const button = which === "layers" ? bar.layersButton : bar.helpButton;
    const content = which === "layers" ? this.layerList() : helpContent(words.language);
    panel.show(words.say(which), "", content, button);
    bar.layersButton.setAttribute("aria-expanded", String(which === "layers"));
    bar.helpButton.setAttribute("aria-expanded", String(which === "help"));
  }

  private layerList(): Node[] {
    return layersContent(
      this.chrome.words,
      [...this.layers.keys()],
      (layer) => this.layers.get(layer)?.isShown ?? false,
      (layer, shown) => {
        const buildings = this.layers.get(layer);
        if (buildings) buildings.isShown = shown;
        if (!shown && this.selection.current?.layer === layer.id) this.selection.clear();
      },
    );
  }

  private panelClosed(): void {
    this.openPanel = null;
    this.chrome.bar.layersButton.setAttribute("aria-expanded", "false");
    this.chrome.bar.helpButton.setAttribute("aria-expanded", "false");
  }

  private async share(): Promise<void> {
    const { notices, words } = this.chrome;
    const query = formatLink({ ...this.address(), camera: this.camera?.place ?? null, time: this.time });
    window.history.replaceState(null, "", `${window.location.pathname}${query}`);
    try {
      await navigator.clipboard.writeText(window.location.href);
      notices.show("share", words.say("shareCopied"), "info", 5);
    } catch {
      notices.show("share", words.say("copyFailed"), "warning", 8);
    }
  }

  private address(): Link {
    const { language } = this.chrome.words;
    return {
      building: this.selection.current?.building ?? null,
      camera: null,
      time: this.link.time,
      language: language === "de" ? null : language,
      quality: this.link.quality,
    };
  }

  private writeAddress(): void {
    window.history.replaceState(null, "", `${window.location.pathname}${formatLink(this.address())}`);
  }

  /** What of the canvas the panels leave free. */
  private clearing(): Clearing {
    const { sheet, panel, bar, time } = this.chrome;
    const [width, height] = [this.scenePlace.clientWidth, this.scenePlace.clientHeight];
    let [left, right, bottom] = [0, width, time.element.getBoundingClientRect().top || height];
    for (const open of [sheet, panel]) {
      if (!open.isOpen) continue;
      const box = open.element.getBoundingClientRect();
      if (box.width > width * 0.8) bottom = Math.min(bottom, box.top);
      else if (open === sheet) right = box.left;
      else left = box.right;
    }
    return { left, right, bottom, top: bar.element.getBoundingClientRect().bottom };
  }

  // States

  private showEmpty(): void {
    const { states, words, loading } = this.chrome;
    loading.hide();
    states.show({ symbol: "layers", title: words.say("emptyTitle"), text: words.say("emptyText") });
  }

  private showLoadError(error: unknown): void {
    const { states, words, loading } = this.chrome;
    const { say } = words;
    loading.hide();
    if (error instanceof DescriptionError) {
      states.show({
        symbol: "warning",
        title: say("errorTitle"),
        text: say("errorShape"),
        action: { label: say("reload"), act: () => window.location.reload() },
      });
      return;
    }
    this.attempts += 1;
    const status = error instanceof RequestError ? error.status : tilesetStatus(error);
    const detail = document.createElement("p");
    const countdown = new Countdown(
      waitSeconds(this.attempts),
      (seconds) => {
        detail.textContent = say("retryIn", { seconds });
      },
      () => void this.load(),
    );
    // The seconds are for the eye; a screen reader hears the message once.
    detail.setAttribute("aria-hidden", "true");
    states.show({
      symbol: "warning",
      title: say("errorTitle"),
      text: status === 0 ? say("errorUnreachable") : say("errorAnswer", { detail: status }),
      detail,
      action: { label: say("retryNow"), act: () => countdown.now() },
    });
    countdown.start();
  }

  private showRenderError(error: unknown): void {
    const { states, words } = this.chrome;
    this.errors.push(String(error));
    states.show({
      symbol: "warning",
      title: words.say("renderTitle"),
      text: words.say("renderText"),
      action: { label: words.say("reload"), act: () => window.location.reload() },
    });
  }

  private isComplete(): boolean {
    const globe = this.stage?.scene.globe;
    const layers = [...this.layers.values()];
    return !this.isFirstView && layers.every((layer) => layer.isLoaded) && (globe?.tilesLoaded ?? true);
  }

  private hook(): TestHook {
    const app = this;
    return {
      idle: () => app.calm?.idle() ?? false,
      get errors() {
        return [...app.errors];
      },
      get tilesFailed() {
        return [...app.layers.values()].flatMap((layer) => layer.failures);
      },
      stats: () => ({
        tilesLoaded: [...app.layers.values()].reduce((sum, layer) => sum + layer.progress.done, 0),
        tilesExpected: [...app.layers.values()].reduce((sum, layer) => sum + layer.progress.all, 0),
        frames: app.calm?.frames ?? 0,
        quality: app.stage?.quality ?? null,
      }),
      pickAt: (x, y) => {
        const hit = app.stage && pickBuilding(app.stage.scene, [...app.layers.values()], x, y);
        const id: unknown = hit?.feature.getProperty("id");
        return typeof id === "string" ? id : null;
      },
      canvasPositionOf: (longitude, latitude, height) =>
        app.stage ? canvasPosition(app.stage.scene, longitude, latitude, height) : null,
      get camera() {
        if (!app.camera) throw new Error("there is no scene yet");
        return app.camera.place;
      },
      get selected() {
        return app.selection.current?.building ?? null;
      },
      select: (building) => void app.choose(building, true),
    };
  }
}

function union(extents: readonly Extent[]): Extent {
  return {
    west: Math.min(...extents.map((extent) => extent.west)),
    south: Math.min(...extents.map((extent) => extent.south)),
    east: Math.max(...extents.map((extent) => extent.east)),
    north: Math.max(...extents.map((extent) => extent.north)),
    low: Math.min(...extents.map((extent) => extent.low)),
    high: Math.max(...extents.map((extent) => extent.high)),
  };
}

function shortened(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}
