"""The operators' dashboard, as its build left it: static files, under the policy that CloudFront will send too."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from local.processes import ROOT
from local.serving import Request, Response, answer_text

BUILT = ROOT / "frontend" / "dist"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wav": "audio/wav",
}
_FOREVER = "public, max-age=31536000, immutable"


def policy(issuer: str) -> str:
    """The content security policy: no inline script or style, calls to the API and the sign-in only.

    Pictures, sounds and films come from wherever Meta keeps them; over plain HTTP only from this machine.
    """
    provider = urlsplit(issuer)
    media = "'self' blob: data: https: http://localhost:* http://127.0.0.1:*"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; manifest-src 'self'; "
        f"connect-src 'self' {provider.scheme}://{provider.netloc}; img-src {media}; media-src {media}; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )


class Dashboard:
    """Answers a GET with one of the files in `built`."""

    def __init__(self, issuer: str, built: Path = BUILT) -> None:
        self._built = built
        self._headers = {
            "Content-Security-Policy": policy(issuer),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }

    def __call__(self, request: Request) -> Response:
        """The file, or a sentence that says what there is."""
        name = unquote(request.path).removeprefix("/") or "index.html"
        file = (self._built / name).resolve()
        if request.method not in ("GET", "HEAD"):
            return answer_text("The dashboard's files can only be read.", 405)
        if not (self._built / "index.html").is_file():
            return answer_text(
                "The dashboard is not built. Start with make run, or run make frontend/dist/index.html.", 404
            )
        if not file.is_relative_to(self._built.resolve()) or not file.is_file() or file.suffix not in _TYPES:
            return answer_text("There is nothing here. The dashboard is at /, the API under /api.", 404)
        # A file in assets/ is named by its content; the others must be asked for each time.
        caching = _FOREVER if name.startswith("assets/") else "no-cache"
        return Response(
            200, file.read_bytes(), {"Content-Type": _TYPES[file.suffix], "Cache-Control": caching, **self._headers}
        )
