"""A server on this machine that stands in for those of the sky, and misbehaves as they do.

Owns what it answers at each path.  Knows nothing of the engine.
"""

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import numpy as np
from astropy.io import fits
from PIL import Image


def jpeg(colour: tuple[int, int, int] = (40, 60, 120), side: int = 64) -> bytes:
    """A picture of a blob on ground of a colour."""
    y, x = np.mgrid[:side, :side] - side / 2
    blob = np.exp(-(x**2 + y**2) / (0.02 * side**2))[..., None]
    pixels = (np.array(colour) * (1 - blob) + 255 * blob).astype(np.uint8)
    return _saved(Image.fromarray(pixels), "JPEG")


def png(colour: tuple[int, int, int], side: int = 64) -> bytes:
    return _saved(Image.new("RGB", (side, side), colour), "PNG")


def fits_image(side: int = 33) -> bytes:
    """A blob in the north east, on noise, as FITS."""
    y, x = np.mgrid[:side, :side]
    east, north = side * 0.25, side * 0.75
    pixels = np.exp(-((x - east) ** 2 + (y - north) ** 2) / (0.01 * side**2))
    pixels += np.random.default_rng(1).normal(0, 0.01, pixels.shape)
    stream = io.BytesIO()
    fits.PrimaryHDU(pixels.astype(np.float32)).writeto(stream)
    return stream.getvalue()


def _saved(image: Image.Image, kind: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


@dataclass
class Answer:
    """What is answered: after a while, slowly, or with a way to elsewhere."""

    body: bytes = b""
    status: int = 200
    kind: str = "image/jpeg"
    after_s: float = 0.0
    location: str = ""
    drip_s: float = 0.0  # between one byte and the next
    repeats: int = 1


@dataclass
class StandIn:
    """Answers by the beginning of the path, the longest that fits; 404 where none does."""

    address: str
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, bytes]] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str) -> Answer:
        fitting = [start for start in self.answers if path.startswith(start)]
        return self.answers[max(fitting, key=len)] if fitting else Answer(b"no", 404)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1


@contextmanager
def stand_in(host: str = "127.0.0.1", **answers: Answer) -> Iterator[StandIn]:
    """Start the server on a free port of this machine; ``sdss=`` answers below ``/sdss``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with server_side.at_work():
                server_side.asked.append((self.path, body))
                answer = server_side.answer(self.path)
                time.sleep(answer.after_s)
            try:
                self._send(answer)
            except OSError:
                self.close_connection = True  # whoever asked has had enough

        do_POST = do_GET

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body) * answer.repeats))
            if answer.location:
                self.send_header("Location", answer.location)
            self.end_headers()
            if answer.drip_s:
                for i in range(len(answer.body)):
                    self.wfile.write(answer.body[i : i + 1])
                    time.sleep(answer.drip_s)
                return
            for _ in range(answer.repeats):
                self.wfile.write(answer.body)

        def log_message(self, *said: object) -> None:
            pass

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *of: None  # type: ignore[method-assign]  # who asked has left
    address = f"http://{host}:{server.server_address[1]}"
    server_side = StandIn(address, {f"/{name}": answer for name, answer in answers.items()})
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server_side
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def urls(server: StandIn) -> list[str]:
    """The paths that were asked for, without what stands behind the question mark."""
    return [urlsplit(path).path for path, _ in server.asked]
