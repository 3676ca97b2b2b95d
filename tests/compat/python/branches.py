"""The branches of all cases: they write down what they were asked, and answer what the case wants."""

import http.server
import json
import threading
import urllib.parse


class Call:
    def __init__(self, name, query, body):
        self.name = name
        self.gid, self.trans_type, self.branch_id, self.op = (
            query.get(key, "") for key in ("gid", "trans_type", "branch_id", "op")
        )
        self.body = body
        self.number = 1  # 1 for the first call of this branch with this op

    def __str__(self):
        return f"{self.trans_type} {self.op} {self.branch_id} {self.name}({self.body})"


class Failure(Exception):
    """The branch says no: 409."""


_lock = threading.Lock()
_calls = {}
_answers = {}
_base = ""


def url(name):
    return f"{_base}/{name}"


def on(gid, name, answer):
    """Calls `answer(call)` for each call of this branch; a Failure is a no, another exception is a 500."""
    _answers[gid, name] = answer


def of(gid):
    with _lock:
        return [str(call) for call in _calls.get(gid, [])]


def fails(_call):
    raise Failure


def _handle(call):
    with _lock:
        calls = _calls.setdefault(call.gid, [])
        call.number += sum(1 for other in calls if (other.name, other.op) == (call.name, call.op))
        calls.append(call)
    answer = _answers.get((call.gid, call.name))
    try:
        if answer:
            answer(call)
    except Failure:
        return 409, {"dtm_result": "FAILURE"}
    except Exception as error:  # pylint: disable=broad-except
        return 500, {"message": str(error)}
    return 200, {"dtm_result": "SUCCESS"}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self):
        address = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        query = dict(urllib.parse.parse_qsl(address.query))
        status, answer = _handle(Call(address.path.lstrip("/"), query, body))
        answer = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = _answer

    def log_message(self, *_):
        pass


def serve():
    global _base
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    _base = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
