"""A scripted stand-in for the Messages API on the loopback interface, for the real CLI to talk to.

`script(request)` gets the decoded body of each request, in a thread of its own, and returns a
text, a `Reply`, a `Failure` or a `Fault`. Everything that was asked and billed is kept.
"""

from __future__ import annotations

import itertools
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Request = dict[str, Any]
Block = dict[str, Any]
_serial = itertools.count(1)


def text(words: str) -> Block:
    """A text block."""
    return {"type": "text", "text": words}


def use(tool: str, **arguments: Any) -> Block:
    """A block that calls a tool."""
    return {"type": "tool_use", "id": f"toolu_{next(_serial):08}", "name": tool, "input": arguments}


@dataclass
class Reply:
    """A successful answer."""

    blocks: list[Block]
    stop_reason: str = ""
    input_tokens: int = 10
    output_tokens: int = 5

    def message(self, model: str) -> dict[str, Any]:
        used = any(block["type"] == "tool_use" for block in self.blocks)
        return {
            "id": f"msg_{next(_serial):08}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": self.blocks,
            "stop_reason": self.stop_reason or ("tool_use" if used else "end_turn"),
            "stop_sequence": None,
            "usage": {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens},
        }


@dataclass
class Failure:
    """An error that the API itself reports."""

    status: int
    kind: str = "api_error"
    message: str = "scripted failure"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Fault:
    """Trouble below the API: the connection breaks, says nothing, or says nonsense."""

    kind: Literal["reset", "cut", "hang", "stall", "garbage", "html"]


Answer = str | Reply | Failure | Fault


def prompt(request: Request) -> str:
    """The prompt as it was given: the last text of the first user message."""
    return _texts(request["messages"][0])[-1]


def tool_results(request: Request) -> list[str]:
    """What the tools of the last turn gave back, as text; the CLI's own remarks may come after."""
    spoken = [message for message in request["messages"] if message["role"] != "system"]
    content = spoken[-1]["content"]
    results = [b for b in content if isinstance(b, dict) and b["type"] == "tool_result"]
    return [_flat(block.get("content", "")) for block in results]


def tools_offered(request: Request) -> list[str]:
    """The names of the tools that the model was offered."""
    return [tool["name"] for tool in request.get("tools", [])]


def _texts(message: dict[str, Any]) -> list[str]:
    content = message["content"]
    if isinstance(content, str):
        return [content]
    return [block["text"] for block in content if block["type"] == "text"]


def _flat(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content)


class LoopbackApi:
    """The server; use it as a context manager. Works for sync and async tests alike."""

    def __init__(self, script: Callable[[Request], Answer]) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.billed: list[Reply] = []
        self.in_flight = 0
        self.peak = 0
        self.closing = threading.Event()
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"api": self})
        self._server = _Server(("127.0.0.1", 0), handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def environ(self, config_dir: object, **more: str) -> dict[str, str]:
        """The environment in which the CLI talks to this server and to nobody else."""
        nowhere = "http://127.0.0.1:9"
        return {
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_API_KEY": "sk-ant-loopback",
            "CLAUDE_CONFIG_DIR": str(config_dir),
            "HTTP_PROXY": nowhere,
            "HTTPS_PROXY": nowhere,
            "NO_PROXY": "127.0.0.1",
            **more,
        }

    def __enter__(self) -> LoopbackApi:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: Request) -> Answer:
        with self.lock:
            self.requests.append(request)
            self.in_flight += 1
            self.peak = max(self.peak, self.in_flight)
        try:
            answer = self.script(request)
        finally:
            with self.lock:
                self.in_flight -= 1
        if isinstance(answer, str):
            answer = Reply([text(answer)])
        if isinstance(answer, Reply):
            with self.lock:
                self.billed.append(answer)
        return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the game."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: LoopbackApi

    def log_message(self, format: str, *args: Any) -> None:
        """Silence: pytest's output is for failures."""

    def do_HEAD(self) -> None:
        self._send(404, {}, b"")

    do_GET = do_HEAD

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        if self.path.split("?")[0] != "/v1/messages":
            self._send(404, {}, b"{}")
            return
        match self.api.answer(request):
            case Failure() as failure:
                error = {"type": failure.kind, "message": failure.message}
                body = json.dumps({"type": "error", "error": error}).encode()
                self._send(failure.status, failure.headers, body)
            case Fault() as fault:
                self._break(fault, request)
            case Reply() as reply if request.get("stream"):
                self._stream(_events(reply.message(request["model"])))
            case Reply() as reply:
                self._send(200, {}, json.dumps(reply.message(request["model"])).encode())

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _stream(self, events: Iterator[dict[str, Any]], *, whole: bool = True) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in events:
            self._chunk(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        if whole:
            self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _break(self, fault: Fault, request: Request) -> None:
        begun = itertools.islice(_events(Reply([text("half an answer")]).message("m")), 3)
        match fault.kind:
            case "hang":
                self.api.closing.wait()
            case "stall":
                self._stream(begun, whole=False)
                self.api.closing.wait()
            case "garbage":
                self._send(200, {"content-type": "text/event-stream"}, b"data: {not json\n\n")
            case "html":
                self._send(200, {"content-type": "text/html"}, b"<html>Please log in</html>")
            case "reset" | "cut":
                if fault.kind == "cut":
                    self._stream(begun, whole=False)
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True


def _events(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    usage = message["usage"]
    opening: dict[str, Any] = {
        "content": [],
        "stop_reason": None,
        "usage": {**usage, "output_tokens": 1},
    }
    yield {"type": "message_start", "message": {**message, **opening}}
    for index, block in enumerate(message["content"]):
        if block["type"] == "tool_use":
            start = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        else:
            start, delta = text(""), {"type": "text_delta", "text": block["text"]}
        yield {"type": "content_block_start", "index": index, "content_block": start}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    stop = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": stop, "usage": usage}
    yield {"type": "message_stop"}
