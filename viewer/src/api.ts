/** Every URL that the viewer asks for. All are below the page's own address; nothing comes from another host. */

import { parseSeries, type Series } from "./sensors/protocol";
import { type Extent, type Layer, parseItemExtent, parseTwin, type Twin } from "./twin/description";
import { Ground } from "./twin/ground";
import { type Place, type Position, parsePosition } from "./twin/place";
import { type Pictures, parseTileJson } from "./twin/tilejson";

/** The server could not be reached, or answered with something else than what was asked for. */
export class RequestError extends Error {
  override readonly name = "RequestError";

  /** `status` is 0 where no answer came at all. */
  constructor(
    readonly url: string,
    readonly status: number,
  ) {
    super(status === 0 ? `${url}: no answer` : `${url}: ${status}`);
  }
}

const PATIENCE_MS = 20_000;

/** The page's own folder: the twin works under any path. */
function resolve(path: string): string {
  return new URL(path.replace(/^\//, "./"), document.baseURI).href;
}

async function json(url: string, headers: Record<string, string> = {}, method = "GET"): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: { accept: "application/json", ...headers },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new RequestError(url, 0);
  }
  if (!response.ok) throw new RequestError(url, response.status);
  try {
    return await response.json();
  } catch {
    throw new RequestError(url, response.status);
  }
}

export async function fetchTwin(): Promise<Twin> {
  return parseTwin(await json(resolve("/api/twin")));
}

export async function fetchGround(layer: Layer): Promise<Ground | null> {
  return layer.ground === null ? null : Ground.parse(await json(resolve(layer.ground)));
}

/** The pictures of a layer for a globe, or null where it has none. */
export async function fetchPictures(layer: Layer): Promise<Pictures | null> {
  if (layer.imagery === null) return null;
  const url = resolve(layer.imagery);
  return parseTileJson(await json(url), url);
}

/** Where a feature is, or null where the layer does not know it. */
export async function fetchPlace(layer: Layer, id: string): Promise<Extent | null> {
  try {
    return parseItemExtent(await json(resolve(layer.item.replace("{id}", encodeURIComponent(id)))));
  } catch (error) {
    if (error instanceof RequestError && [400, 404, 410, 422].includes(error.status)) return null;
    throw error;
  }
}

/** A place in the county's own terms. */
export async function fetchPosition({ longitude, latitude, height }: Place): Promise<Position> {
  const query = `longitude=${longitude.toFixed(8)}&latitude=${latitude.toFixed(8)}&height=${height.toFixed(3)}`;
  return parsePosition(await json(resolve(`/api/position?${query}`)));
}

/** Where changes of sensors are told: by WebSocket, and by Server-Sent Events. */
export function liveUrls(): { readonly socket: string; readonly events: string } {
  return { socket: resolve("/live"), events: resolve("/live/events") };
}

/** Asks for what a property of a sensor was in the last day. */
export function fetchSeries(token: () => string | null): (id: string, property: string) => Promise<Series> {
  return async (id, property) => {
    const address = `/api/sensors/${encodeURIComponent(id)}/series?property=${encodeURIComponent(property)}`;
    return parseSeries(await json(resolve(address), bearer(token())));
  };
}

/** Acknowledge or close an alert. Throws RequestError. */
export async function changeAlert(id: string, what: "acknowledge" | "close", token: string | null): Promise<void> {
  await json(resolve(`/api/alerts/${encodeURIComponent(id)}/${what}`), bearer(token), "POST");
}

function bearer(token: string | null): Record<string, string> {
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

export function tilesetUrl(layer: Layer): string {
  return resolve(layer.tileset);
}

/** Folder of a layer's terrain for a globe, or null where it has none. */
export function terrainUrl(layer: Layer): string | null {
  return layer.terrain === null ? null : resolve(layer.terrain);
}
