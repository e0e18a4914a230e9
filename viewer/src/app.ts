import { fetchGround, fetchTwin, RequestError } from "./api";
import { CameraMan } from "./cesium/camera";
import { onClick } from "./cesium/picking";
import { NoWebGLError, Stage } from "./cesium/stage";
import { Chooser } from "./chooser";
import { graphicsCard, LoadFaults } from "./faults";
import { Calm, canvasPosition, type TestHook } from "./hook";
import { cameraKeys } from "./keys";
import type { Setting } from "./layers/kind";
import { LayersOnStage, showable, subjects } from "./layers/on_stage";
import { PARAMETERS, SETTINGS } from "./layers/registry";
import { Page } from "./page";
import { SENSOR_PANEL, SENSOR_PARAMETER, SensorDesk } from "./sensors/desk";
import { SENSOR_WORDS } from "./sensors/words";
import { type CivilTime, civilTime, instantOf } from "./twin/civil_time";
import { DescriptionError, type Extent, type Layer, type Twin, union } from "./twin/description";
import { Ground } from "./twin/ground";
import { formatLink, type Link, parseLink } from "./twin/link";
import { startTime } from "./twin/start_time";
import type { Words } from "./twin/words";
import { helpContent } from "./ui/help";
import { layersContent } from "./ui/layers";
import type { PanelKind } from "./ui/panels";
import { settingControl } from "./ui/setting";

/** The stage, who moves the camera, and what is chosen: there from the start, or never where there is no WebGL. */
interface Scenery {
  readonly stage: Stage;
  readonly camera: CameraMan;
  readonly chooser: Chooser;
  readonly calm: Calm;
}

/** Brings the twin's description, the stage and the page together. */
export class App {
  private readonly errors: string[] = [];
  private readonly link: Link;
  /** What visitors have set, by parameter; the rest is as it is where nobody has chosen. */
  private readonly settings: Map<string, string>;
  private readonly page: Page;
  private readonly faults = new LoadFaults();
  private readonly layers = new LayersOnStage(
    () => this.tilesChanged(),
    (setting, value) => this.set(setting, value),
  );
  private scenery: Scenery | null = null;
  /** Null where the twin has no sensors, or it is not known yet. */
  private desk: SensorDesk | null = null;
  private time: CivilTime = civilTime(new Date());
  private lostTiles = 0;
  private isFirstView = true;

  constructor(root: HTMLElement) {
    this.link = parseLink(window.location.search, [SENSOR_PARAMETER, ...PARAMETERS], SETTINGS);
    this.settings = new Map(this.link.settings);
    this.page = new Page(root, this.link.language ?? "de", this.panels(), {
      share: () => void this.share(),
      switchLanguage: () => this.switchLanguage(),
      focusScene: () => this.page.scenePlace.focus(),
      setTime: (time) => this.setTime(time),
      setNow: () => this.setTime(civilTime(new Date())),
      sheetClosed: () => this.sheetClosed(),
      zoom: (factor) => this.scenery?.camera.orbit(0, 0, factor),
      faceNorth: () => this.scenery?.camera.faceNorth(),
      goHome: () => this.scenery?.camera.goHome(this.page.clearing()),
    });
    window.addEventListener("error", (event) => this.errors.push(String(event.message)));
    window.addEventListener("unhandledrejection", (event) => this.errors.push(String(event.reason)));
    window.zwilling = this.hook();
  }

  async start(): Promise<void> {
    try {
      this.scenery = this.raise();
    } catch (error) {
      if (!(error instanceof NoWebGLError)) this.errors.push(String(error));
      this.page.chrome.showTools(false);
      this.page.chrome.states.show(graphicsCard("webgl", this.page.chrome.words));
      await this.listen();
      return;
    }
    await this.load(this.scenery);
  }

  /** Every panel that opens from the top bar, in the order of their buttons. */
  private panels(): readonly PanelKind[] {
    return [
      {
        id: "layers",
        icon: "layers",
        title: "layers",
        place: "start",
        needsScene: true,
        content: (words) => this.layerList(words),
      },
      {
        id: SENSOR_PANEL,
        icon: "sensors",
        title: "sensors",
        place: "start",
        needsScene: false,
        isOffered: () => this.desk !== null,
        content: (words) => this.desk?.panelContent(words) ?? [],
      },
      {
        id: "help",
        icon: "help",
        title: "help",
        place: "end",
        needsScene: false,
        content: ({ language }) => helpContent(language),
      },
    ];
  }

  /** Raise the empty stage. Throws NoWebGLError. */
  private raise(): Scenery {
    const { page, layers } = this;
    const stage = new Stage(page.scenePlace, this.link.quality);
    const { scene } = stage;
    const camera = new CameraMan(scene);
    const chooser = new Chooser(page, stage, camera, layers, () => this.choiceChanged());
    stage.onFault((fault, message) => {
      this.errors.push(message);
      page.chrome.states.show(graphicsCard(fault, page.chrome.words));
    });
    const pick = (x: number, y: number): void => {
      if (!this.desk?.pick(x, y)) chooser.pick(x, y);
    };
    onClick(scene, pick);
    cameraKeys(page.scenePlace, camera, {
      pickMiddle: () => pick(scene.canvas.clientWidth / 2, scene.canvas.clientHeight / 2),
      deselect: () => {
        chooser.clear();
        if (this.desk?.chosen) page.chrome.sheet.close();
      },
      goHome: () => camera.goHome(page.clearing()),
    });
    scene.postRender.addEventListener(() => page.chrome.camera.setHeading(camera.headingDegrees));
    return { stage, camera, chooser, calm: new Calm(scene, () => this.isComplete(stage)) };
  }

  /** Ask for the twin and build the scene; where that fails, say so and try again after a while. */
  private async load(scenery: Scenery): Promise<void> {
    const { chrome } = this.page;
    chrome.states.hide();
    chrome.loading.show(null, chrome.words.say("loading"));
    try {
      const twin = await fetchTwin();
      this.page.setTwin(twin);
      this.offerSensors(twin);
      await this.build(twin, scenery);
      this.faults.forget();
    } catch (error) {
      // The next attempt starts anew: by then the server may have published another version.
      this.layers.clear();
      const { states, loading, words } = this.page.chrome;
      loading.hide();
      states.show(this.faults.card(error, words, () => void this.load(scenery)));
    }
  }

  /** Where there is no scene, the list of sensors is what there is to see. */
  private async listen(): Promise<void> {
    try {
      const twin = await fetchTwin();
      this.page.setTwin(twin);
      this.offerSensors(twin);
      this.page.chrome.showTools(false);
    } catch (error) {
      if (!(error instanceof RequestError || error instanceof DescriptionError)) throw error;
    }
  }

  private offerSensors({ hasSensors }: Twin): void {
    if (!hasSensors || this.desk) return;
    this.desk = new SensorDesk({
      chrome: () => this.page.chrome,
      clearing: () => this.page.clearing(),
      choosing: () => this.scenery?.chooser.clear(),
      chosen: () => this.writeAddress(),
      arrived: () => this.suggest(),
    });
    this.desk.start();
  }

  /** What to look at first, for who comes without a link to something. */
  private suggest(): void {
    const { desk, link, page, scenery } = this;
    if (!desk || !scenery || link.choice || link.camera || desk.book.things.size === 0) return;
    const hide = (): void => page.chrome.suggestions.hide();
    const isAir = desk.book.properties.has("co2");
    page.chrome.suggestions.show([
      {
        icon: isAir ? "wind" : "sensors",
        text: page.chrome.words.in(isAir ? SENSOR_WORDS.airInSchools : SENSOR_WORDS.measured),
        act: () => {
          hide();
          page.chrome.showPanel(SENSOR_PANEL);
          desk.overview();
        },
      },
    ]);
    page.scenePlace.addEventListener("pointerdown", hide, { once: true });
  }

  private choiceChanged(): void {
    if (this.scenery?.chooser.current) this.desk?.release();
    this.writeAddress();
  }

  private sheetClosed(): void {
    this.desk?.release();
    this.scenery?.chooser.clear();
    this.writeAddress();
  }

  private async build(twin: Twin, { stage, camera, chooser }: Scenery): Promise<void> {
    const layers = showable(twin.layers);
    if (layers.length === 0) {
      this.showEmpty();
      return;
    }
    const { chrome } = this.page;
    for (const { id, title } of await this.layers.load(layers, stage, this.settings)) {
      chrome.notices.show(`layer-${id}`, chrome.words.say("layerFailed", { title }), "warning", null);
    }
    const whole = union(layers.map((layer) => layer.extent));
    const ground = await this.ground(layers, whole);
    stage.setPlace(whole, ground);
    const extent = union(subjects(layers).map((layer) => layer.extent));
    const [longitude, latitude] = [(extent.west + extent.east) / 2, (extent.south + extent.north) / 2];
    camera.setHome(extent, ground.at(longitude, latitude));
    this.setTime(this.link.time ?? startTime(new Date(), longitude, latitude));
    chrome.showTools(true);
    if (this.link.camera) camera.setPlace(this.link.camera);
    else camera.goHome(this.page.clearing(), 0);
    this.desk?.show({ stage, camera }, ground, this.page.scenePlace);
    const { choice } = this.link;
    if (choice?.parameter === SENSOR_PARAMETER) this.desk?.choose(choice.id, this.link.camera ? "stay" : "jump");
    else if (choice) await chooser.choose(choice, this.link.camera ? "stay" : "jump");
    this.isFirstView = false;
    stage.scene.requestRender();
  }

  /** The coarse ground of the first layer that has one; a level one where none has, or it does not come. */
  private async ground(layers: readonly Layer[], extent: Extent): Promise<Ground> {
    const { notices, words } = this.page.chrome;
    for (const layer of layers) {
      try {
        const ground = await fetchGround(layer);
        if (ground) return ground;
      } catch (error) {
        if (!(error instanceof RequestError || error instanceof DescriptionError)) throw error;
        notices.show("ground", words.say("groundFailed"), "warning", null);
      }
    }
    return Ground.level(extent, extent.low);
  }

  private tilesChanged(): void {
    const { chrome } = this.page;
    const { say } = chrome.words;
    const { done, all } = this.layers.progress;
    if (done < all) chrome.loading.show(done / all, say("loadingTiles", { done, all }));
    else if (this.layers.all.length > 0) chrome.loading.hide();

    const lost = this.layers.failures.length;
    if (lost > this.lostTiles) {
      this.lostTiles = lost;
      const text = lost === 1 ? say("tilesFailedOne") : say("tilesFailedMany", { count: lost });
      chrome.notices.show("tiles", text, "warning", null);
    }
    this.scenery?.chooser.refresh();
  }

  private setTime(time: CivilTime): void {
    const instant = instantOf(time);
    if (!this.scenery || !instant) return;
    this.time = time;
    this.page.chrome.time.set(time, this.scenery.stage.setTime(instant));
  }

  private switchLanguage(): void {
    const { page, scenery } = this;
    const open = page.chrome.openPanel;
    page.setLanguage(page.chrome.words.language === "de" ? "en" : "de");
    if (this.layers.all.length > 0) {
      page.chrome.showTools(true);
      this.setTime(this.time);
      scenery?.chooser.fillSheet();
    }
    this.desk?.languageChanged();
    if (open) page.chrome.showPanel(open);
    this.writeAddress();
    page.chrome.element.querySelector<HTMLElement>(".language")?.focus();
  }

  private layerList(words: Words): readonly Node[] {
    // Layers of one kind share its settings: they stand with the first that has use for them.
    const settled = new Set<Setting>();
    const controls = (settings: readonly Setting[]): readonly Node[] =>
      settings.flatMap((setting) => {
        if (settled.has(setting)) return [];
        settled.add(setting);
        const values = this.layers.values(setting);
        const wished = this.settings.get(setting.parameter);
        const current = values.find(({ value }) => value === wished) ?? values[0];
        return [
          settingControl(words, { ...setting, values }, current?.value ?? "", (value) => this.set(setting, value)),
        ];
      });
    const rows = this.layers.all.map(({ layer, kind, staged }) => ({
      layer,
      description: words.in(kind.description),
      isShown: staged.isShown,
      section: [...controls(staged.settings), ...staged.section(words)],
      show: (shown: boolean) => {
        staged.isShown = shown;
        const chooser = this.scenery?.chooser;
        if (!shown && chooser?.current?.layer === layer.id) chooser.clear();
      },
    }));
    return layersContent(words, rows);
  }

  private set(setting: Setting, value: string): void {
    if (value === setting.values[0]?.value) this.settings.delete(setting.parameter);
    else this.settings.set(setting.parameter, value);
    this.layers.set(setting, value);
    this.writeAddress();
  }

  private async share(): Promise<void> {
    const { notices, words } = this.page.chrome;
    const query = formatLink({ ...this.address(), camera: this.scenery?.camera.place ?? null, time: this.time });
    window.history.replaceState(null, "", `${window.location.pathname}${query}`);
    try {
      await navigator.clipboard.writeText(window.location.href);
      notices.show("share", words.say("shareCopied"), "info", 5);
    } catch {
      notices.show("share", words.say("copyFailed"), "warning", 8);
    }
  }

  private address(): Link {
    const { language } = this.page.chrome.words;
    const sensor = this.desk?.chosen;
    return {
      choice: sensor ? { parameter: SENSOR_PARAMETER, id: sensor } : (this.scenery?.chooser.linked ?? null),
      camera: null,
      time: this.link.time,
      language: language === "de" ? null : language,
      quality: this.link.quality,
      settings: this.settings,
    };
  }

  private writeAddress(): void {
    window.history.replaceState(null, "", `${window.location.pathname}${formatLink(this.address())}`);
  }

  private showEmpty(): void {
    const { states, words, loading } = this.page.chrome;
    loading.hide();
    states.show({ symbol: "layers", title: words.say("emptyTitle"), text: words.say("emptyText") });
  }

  private isComplete({ scene }: Stage): boolean {
    return !this.isFirstView && this.layers.isLoaded && (scene.globe?.tilesLoaded ?? true);
  }

  private hook(): TestHook {
    const app = this;
    return {
      idle: () => app.scenery?.calm.idle() ?? false,
      get errors() {
        return [...app.errors];
      },
      get tilesFailed() {
        return [...app.layers.failures];
      },
      stats: () => ({
        tilesLoaded: app.layers.progress.done,
        tilesExpected: app.layers.progress.all,
        frames: app.scenery?.calm.frames ?? 0,
        quality: app.scenery?.stage.quality ?? null,
      }),
      pickAt: (x, y) => app.scenery?.chooser.at(x, y)?.choice.id ?? null,
      canvasPositionOf: (longitude, latitude, height) =>
        app.scenery ? canvasPosition(app.scenery.stage.scene, longitude, latitude, height) : null,
      get camera() {
        if (!app.scenery) throw new Error("there is no scene yet");
        return app.scenery.camera.place;
      },
      get selected() {
        return app.scenery?.chooser.current?.id ?? null;
      },
      get line() {
        return app.desk?.line.kind ?? null;
      },
      select: (parameter, id) => void app.scenery?.chooser.choose({ parameter, id }, "fly"),
    };
  }
}
