"""Errors to Sentry and traces by OpenTelemetry, for those who want them: switched on by the environment, installed by hand.

Neither package is loaded, or needed, while its switch is off (``requirements-optional.txt``, docs/operations.md).
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from portal.environment import Misconfigured
from portal.ui.logs import masked

SENTRY, OTEL = "COUNTERSIGN_SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT"
INSTRUMENTED = (("django", "DjangoInstrumentor"), ("celery", "CeleryInstrumentor"), ("psycopg", "PsycopgInstrumentor"))


def start(*, environment: Mapping[str, str]) -> list[str]:
    """Start what the environment names, once a process; the names of what was started. Raises ``Misconfigured`` in words."""
    wanted = {"Sentry": (SENTRY, _sentry), "OpenTelemetry": (OTEL, _opentelemetry)}
    begun = []
    for name, (variable, begin) in wanted.items():
        if environment.get(variable):
            try:
                begin(environment)
            except ImportError as missing:
                words = f"{variable} is set, but {missing.name} is not installed: pip install -r requirements-optional.txt"
                raise Misconfigured(words) from missing
            begun.append(name)
    return begun


def _sentry(environment: Mapping[str, str]) -> None:
    """Errors only. Neither people nor bodies are sent, and what looks like a secret is hidden as in our own logs."""
    import_module("sentry_sdk").init(
        dsn=environment[SENTRY],
        environment=environment.get("COUNTERSIGN_ENVIRONMENT", "production"),
        release=environment.get("COUNTERSIGN_RELEASE") or None,
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        traces_sample_rate=0.0,
        before_send=without_secrets,
    )


def without_secrets(event: dict[str, Any], hint: Mapping[str, Any]) -> dict[str, Any]:
    """Sentry's hook before an event leaves: the parts that we or a vendor could have written are masked."""
    free = ("request", "extra", "contexts", "breadcrumbs", "exception", "logentry", "message", "tags")
    return {key: masked(value, depth=-DEEPER) if key in free else value for key, value in event.items()}


DEEPER = 6
"""Sentry nests frames deeper than our logs nest anything."""


def _opentelemetry(environment: Mapping[str, str]) -> None:
    """Traces of pages, tasks and questions to the database, by OTLP over HTTP; the exporter reads its own OTEL_ variables.

    The instrument of pages leaves out whatever comes by ASGI, without a word, unless the one of ASGI is installed too.
    """
    import_module("opentelemetry.instrumentation.asgi")
    trace, sdk = import_module("opentelemetry.trace"), import_module("opentelemetry.sdk.trace")
    export = import_module("opentelemetry.sdk.trace.export")
    exporter = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter").OTLPSpanExporter()
    name = f"countersign-{environment.get('COUNTERSIGN_PROCESS', 'manage')}"
    resource = import_module("opentelemetry.sdk.resources").Resource.create({"service.name": name})
    provider = sdk.TracerProvider(resource=resource)
    provider.add_span_processor(export.BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    for package, instrumentor in INSTRUMENTED:
        hooks = {"request_hook": hide_secrets} if package == "django" else {}
        getattr(import_module(f"opentelemetry.instrumentation.{package}"), instrumentor)().instrument(**hooks)


def hide_secrets(span: Any, request: Any) -> None:
    """OpenTelemetry's hook as a page begins: the key in the address of an invitation or a feed is hidden as in our own logs."""
    for name, value in list((getattr(span, "attributes", None) or {}).items()):
        span.set_attribute(name, masked(value))
