/** Every word that the page says, German first. English has the same keys, which the compiler checks. */

export type Language = "de" | "en";

/** A text in each language, for what belongs to one kind of layer alone. */
export type Text = Readonly<Record<Language, string>>;

const de = {
  appName: "Digitaler Zwilling",
  otherLanguage: "English",
  help: "Hilfe",
  layers: "Ebenen",
  sensors: "Sensoren",
  suggestions: "Vorschläge",
  close: "Schließen",
  copy: "Kopieren",
  copied: "Kopiert",
  copyFailed: "Ihr Browser erlaubt das Kopieren nicht. Bitte markieren und kopieren Sie den Text von Hand.",
  share: "Link kopieren",
  shareCopied: "Der Link ist kopiert. Er öffnet genau diese Ansicht.",
  startView: "Zur Startansicht",
  zoomIn: "Näher heran",
  zoomOut: "Weiter weg",
  faceNorth: "Nach Norden ausrichten",
  camera: "Ansicht steuern",
  scene:
    "3D-Ansicht. Pfeiltasten verschieben, Umschalt und Pfeiltasten drehen und neigen, Plus und Minus holen heran und entfernen, Eingabe wählt das Gebäude in der Bildmitte, N dreht nach Norden, Pos 1 zeigt die Startansicht.",
  skip: "Zur 3D-Ansicht springen",
  syntheticBadge: "Beispieldaten – kein realer Ort",
  layerSource: "Quelle",
  layerLicence: "Lizenz",
  layerDate: "Stand",
  legend: "Legende",
  moreAttributes: "Weitere Angaben",
  selected: "Ausgewählt: {name}",
  deselected: "Auswahl aufgehoben",
  loading: "Daten werden geladen",
  loadingTiles: "Kacheln werden geladen: {done} von {all}",
  loadingBuilding: "Das Gebäude wird gesucht",
  emptyTitle: "Hier liegen noch keine Daten",
  emptyText: "Auf diesem Server ist noch keine Ebene veröffentlicht. Bitte versuchen Sie es später erneut.",
  errorTitle: "Die Daten konnten nicht geladen werden",
  errorUnreachable: "Der Server antwortet nicht. Bitte prüfen Sie Ihre Verbindung.",
  errorAnswer: "Der Server hat mit einem Fehler geantwortet ({detail}).",
  errorShape: "Die Antwort des Servers ist unvollständig. Bitte laden Sie die Seite neu.",
  retryIn: "Wir versuchen es in {seconds} Sekunden erneut.",
  retryNow: "Jetzt erneut versuchen",
  webglTitle: "Ihr Browser kann keine 3D-Ansicht zeigen",
  webglText:
    "Die Ansicht braucht WebGL 2. Bitte verwenden Sie einen aktuellen Browser oder schalten Sie die Grafikbeschleunigung in den Einstellungen ein.",
  renderTitle: "Die 3D-Ansicht wurde angehalten",
  renderText: "Beim Zeichnen ist ein Fehler aufgetreten. Bitte laden Sie die Seite neu.",
  contextTitle: "Die 3D-Ansicht wurde unterbrochen",
  contextText:
    "Die Grafikkarte hat die Verbindung zur Seite verloren, zum Beispiel nach dem Ruhezustand. Bitte laden Sie die Seite neu. Der Link in der Adresszeile öffnet wieder, was Sie ausgewählt hatten.",
  reload: "Seite neu laden",
  tilesFailedOne: "Ein Teil der Daten konnte nicht geladen werden, weil der Server nicht antwortet.",
  tilesFailedMany: "{count} Teile der Daten konnten nicht geladen werden, weil der Server nicht antwortet.",
  layerFailed:
    "Die Ebene „{title}“ konnte nicht geladen werden. Alles andere bleibt sichtbar. Laden Sie die Seite neu, um es noch einmal zu versuchen.",
  groundFailed: "Die Geländehöhen konnten nicht geladen werden. Die Gebäude bleiben sichtbar.",
  time: "Sonnenstand",
  date: "Datum",
  timeOfDay: "Uhrzeit",
  calendar: "Kalender öffnen",
  now: "Jetzt",
  oClock: "{clock} Uhr",
  sunUp: "Sonne {elevation}° über dem Horizont",
  sunDown: "Die Sonne steht unter dem Horizont",
} as const;

export type Word = keyof typeof de;

const en: Record<Word, string> = {
  appName: "Digital twin",
  otherLanguage: "Deutsch",
  help: "Help",
  layers: "Layers",
  sensors: "Sensors",
  suggestions: "Suggestions",
  close: "Close",
  copy: "Copy",
  copied: "Copied",
  copyFailed: "Your browser does not allow copying. Please mark the text and copy it by hand.",
  share: "Copy link",
  shareCopied: "The link is copied. It opens exactly this view.",
  startView: "Back to the start view",
  zoomIn: "Closer",
  zoomOut: "Further away",
  faceNorth: "Face north",
  camera: "Move the view",
  scene:
    "3D view. Arrow keys move, Shift and arrow keys turn and tilt, plus and minus go closer and further away, Enter selects the building in the middle, N faces north, Home shows the start view.",
  skip: "Skip to the 3D view",
  syntheticBadge: "Sample data – no real place",
  layerSource: "Source",
  layerLicence: "Licence",
  layerDate: "Date of data",
  legend: "Legend",
  moreAttributes: "More details",
  selected: "Selected: {name}",
  deselected: "Nothing selected",
  loading: "Loading data",
  loadingTiles: "Loading tiles: {done} of {all}",
  loadingBuilding: "Looking for the building",
  emptyTitle: "There is no data here yet",
  emptyText: "No layer has been published on this server yet. Please try again later.",
  errorTitle: "The data could not be loaded",
  errorUnreachable: "The server does not answer. Please check your connection.",
  errorAnswer: "The server answered with an error ({detail}).",
  errorShape: "The server's answer is incomplete. Please reload the page.",
  retryIn: "We will try again in {seconds} seconds.",
  retryNow: "Try again now",
  webglTitle: "Your browser cannot show the 3D view",
  webglText: "The view needs WebGL 2. Please use a current browser or switch on graphics acceleration in its settings.",
  renderTitle: "The 3D view has stopped",
  renderText: "An error occurred while drawing. Please reload the page.",
  contextTitle: "The 3D view was interrupted",
  contextText:
    "The graphics card lost its connection to the page, for example after sleep. Please reload the page. The link in the address bar opens again what you had selected.",
  reload: "Reload the page",
  tilesFailedOne: "Part of the data could not be loaded because the server does not answer.",
  tilesFailedMany: "{count} parts of the data could not be loaded because the server does not answer.",
  layerFailed: "The layer “{title}” could not be loaded. All else stays visible. Reload the page to try again.",
  groundFailed: "The ground heights could not be loaded. The buildings stay visible.",
  time: "Position of the sun",
  date: "Date",
  timeOfDay: "Time of day",
  calendar: "Open the calendar",
  now: "Now",
  oClock: "{clock}",
  sunUp: "Sun {elevation}° above the horizon",
  sunDown: "The sun is below the horizon",
};

const DICTIONARY: Record<Language, Record<Word, string>> = { de, en };

/** A text with `{name}` filled in; what is not given stays as it is. */
function filled(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The words of one language, with `{name}` filled in. */
export class Words {
  constructor(readonly language: Language) {}

  readonly say = (word: Word, values: Readonly<Record<string, string | number>> = {}): string =>
    filled(DICTIONARY[this.language][word], values);

  readonly in = (text: Text, values: Readonly<Record<string, string | number>> = {}): string =>
    filled(text[this.language], values);
}
