"""A request's reference goes along with the work that it causes, from the bell to the worker's logs."""

import io
import json
import logging
import sys
from types import ModuleType, SimpleNamespace

import pytest
from celery import Celery
from kombu.exceptions import ContentDisallowed
from kombu.serialization import dumps, loads
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from portal import bell, causes, telemetry
from portal.celery import app
from portal.environment import Misconfigured
from portal.ui.logs import MASK, Formatter
from tests.pace import SHARED


@pytest.fixture(autouse=True)
def nothing_bound():
    clear_contextvars()
    yield
    clear_contextvars()


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["A2", "B3"], ["A2", "B3"]),
        (["with space", "x\ny", "", 7, None, "a" * 41, "OK7"][-5:], ["OK7"]),
        (list("ABCDEFG"), list("ABCDE")),
        ("ABC", []),
        ({"A": 1}, []),
        (None, []),
    ],
)
def test_only_what_looks_like_a_reference_is_believed(words, kept):
    assert causes.named(words) == kept


def test_a_message_that_a_request_publishes_carries_its_reference_and_the_worker_logs_it():
    app = Celery("trial", broker="memory://", set_as_current=False)
    bind_contextvars(request_id="REQ7")
    app.send_task("a.task", queue="trial", ignore_result=True)
    with app.connection_for_read() as line:
        message = line.SimpleQueue("trial").get(timeout=2 * SHARED)
    assert message.headers["causes"] == ["REQ7"]
    clear_contextvars()

    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Formatter())
    logger = logging.getLogger("portal.trial")
    logger.addHandler(handler)

    @app.task(name="a.task")
    def a_task():
        logger.warning("inside")

    message.headers.pop("ignore_result")
    a_task.apply(headers={"causes": message.headers["causes"]}, task_id="T1")
    logger.removeHandler(handler)

    said = json.loads(stream.getvalue())
    assert (said["event"], said["task"], said["task_id"], said["request_id"], said["causes"]) == (
        "inside",
        "a.task",
        "T1",
        "REQ7",
        ["REQ7"],
    )
    assert get_contextvars() == {}


@pytest.mark.django_db(transaction=True)
def test_a_bell_without_a_word_says_the_reference(monkeypatch):
    said = []
    monkeypatch.setattr(bell.Words, "__call__", lambda self: said.extend(self.said))
    bind_contextvars(request_id="REQ7")

    bell.after_commit("outbox")
    bell.after_commit("live", "inbox")
    clear_contextvars()
    bell.after_commit("outbox")

    assert said == [("outbox", "REQ7"), ("live", "inbox"), ("outbox", "")]


def module(monkeypatch, name, **values):
    """A package that is not installed, as far as we use it."""
    made = ModuleType(name)
    vars(made).update(values)
    monkeypatch.setitem(sys.modules, name, made)


def test_with_both_switches_off_nothing_is_loaded(monkeypatch):
    """Whoever asked for either would be refused; another test, or the broker's client, may have loaded them long ago."""
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.asgi", None)

    assert telemetry.start(environment={telemetry.SENTRY: ""}) == []


@pytest.mark.parametrize("variable", [telemetry.SENTRY, telemetry.OTEL])
def test_a_switch_without_its_package_is_refused_in_words(variable, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.asgi", None)

    with pytest.raises(Misconfigured, match=rf"{variable} is set, but .* requirements-optional.txt"):
        telemetry.start(environment={variable: "https://key@errors.example/1"})


def test_sentry_gets_errors_without_people_bodies_and_secrets(monkeypatch):
    given = {}
    module(monkeypatch, "sentry_sdk", init=lambda **options: given.update(options))

    assert telemetry.start(environment={telemetry.SENTRY: "https://key@errors.example/1"}) == ["Sentry"]

    assert (given["dsn"], given["environment"], given["release"]) == ("https://key@errors.example/1", "production", None)
    assert (given["send_default_pii"], given["include_local_variables"], given["max_request_body_size"]) == (False, False, "never")
    frames = {"values": [{"value": "said ghp_" + "a" * 36, "stacktrace": {"frames": [{"context_line": "xoxb-1234567890-abc"}]}}]}
    event = {"event_id": "e1", "exception": frames, "request": {"headers": {"Cookie": "session=1", "Host": "portal.example"}}}
    sent = given["before_send"](event, {})
    assert sent["exception"]["values"][0] == {
        "value": f"said {MASK}",
        "stacktrace": {"frames": [{"context_line": MASK}]},
    }
    assert sent["request"]["headers"] == {"Cookie": MASK, "Host": "portal.example"}
    assert sent["event_id"] == "e1"


def test_opentelemetry_gets_a_provider_and_its_three_instruments(monkeypatch):
    done = []
    made = SimpleNamespace(add_span_processor=lambda processor: done.append(processor))
    module(monkeypatch, "opentelemetry.trace", set_tracer_provider=lambda provider: done.append(provider is made))
    module(monkeypatch, "opentelemetry.sdk.trace", TracerProvider=lambda resource: done.append(resource) or made)
    module(monkeypatch, "opentelemetry.sdk.trace.export", BatchSpanProcessor=lambda exporter: f"batches to {exporter}")
    module(monkeypatch, "opentelemetry.sdk.resources", Resource=SimpleNamespace(create=lambda names: names))
    module(monkeypatch, "opentelemetry.exporter.otlp.proto.http.trace_exporter", OTLPSpanExporter=lambda: "otlp")
    module(monkeypatch, "opentelemetry.instrumentation.asgi")
    for package, name in telemetry.INSTRUMENTED:
        instrument = SimpleNamespace(instrument=lambda name=name, **hooks: done.append((name, *hooks.values())))
        module(monkeypatch, f"opentelemetry.instrumentation.{package}", **{name: lambda found=instrument: found})

    assert telemetry.start(environment={telemetry.OTEL: "http://collector:4318", "COUNTERSIGN_PROCESS": "web"}) == ["OpenTelemetry"]

    assert done == [
        {"service.name": "countersign-web"},
        "batches to otlp",
        True,
        ("DjangoInstrumentor", telemetry.hide_secrets),
        ("CeleryInstrumentor",),
        ("PsycopgInstrumentor",),
    ]


def test_pages_without_the_package_that_lets_them_be_traced_are_refused_in_words(monkeypatch):
    """Its absence would be silent: traces of workers alone."""
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.asgi", None)

    with pytest.raises(Misconfigured, match=r"opentelemetry\.instrumentation\.asgi is not installed"):
        telemetry.start(environment={telemetry.OTEL: "http://collector:4318"})


def test_the_key_in_an_address_reaches_no_trace():
    said = {"http.target": "/account/invitation/GOWA36mnRskjMypQnh4d5lkaIFmnvI-1FIk5st96YI0/", "http.status_code": 200}
    span = SimpleNamespace(attributes=dict(said), set_attribute=lambda name, value: span.attributes.update({name: value}))

    telemetry.hide_secrets(span, None)
    telemetry.hide_secrets(SimpleNamespace(), None)  # one that is not recorded has none

    assert span.attributes == said | {"http.target": f"/account/invitation/{MASK}/"}


def test_a_worker_takes_json_and_nothing_else():
    """A message whose kind of content would be run as it is read is refused before it is looked at."""
    assert (app.conf.accept_content, app.conf.task_serializer) == (["json"], "json")
    kind, encoding, body = dumps({"x": 1}, serializer="pickle")

    with pytest.raises(ContentDisallowed):
        loads(body, kind, encoding, accept=app.conf.accept_content)
