"""What every answer carries, whatever the route.

The content security policy is as strict as CesiumJS lets it be:

- `'wasm-unsafe-eval'`: meshopt and Draco decoders are WebAssembly.  `'unsafe-eval'` is not needed: the one
  user of it in the engine is the Basis transcoder for KTX2 textures, which no layer has.
- `worker-src blob:` and `img-src blob: data:`: textures inside a GLB are decoded from blobs.
- `style-src 'unsafe-inline'`: the engine writes style attributes on its canvas and credits.
"""

from __future__ import annotations

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "img-src 'self' data: blob:",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
_EVERYWHERE = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "camera=(), geolocation=(self), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
}
_OWN_PAGES = {"cross-origin-resource-policy": "same-origin"}
# Open data: any page may read it, never with credentials.
_OPEN_DATA = {
    "cross-origin-resource-policy": "cross-origin",
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "Accept-Ranges, Content-Encoding, Content-Length, Content-Range, ETag, Location",
}
OPEN_PREFIXES = ("/tiles/", "/api/", "/sta/")


def response_headers(path: str) -> dict[str, str]:
    """Return the headers that every answer below `path` carries."""
    return {**_EVERYWHERE, **(_OPEN_DATA if path.startswith(OPEN_PREFIXES) else _OWN_PAGES)}
