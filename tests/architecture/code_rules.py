"""Rules of our own over the syntax of our code: what no ready-made linter knows of this portal. Pure: text in, findings out.

Each rule is a function from a parsed file to (line, what). Why these are no semgrep rules: docs/adr/0018-own-code-rules.md.
"""

import ast
import re
from dataclasses import dataclass
from functools import cached_property

LOGGING = {"debug", "info", "warning", "error", "exception", "critical", "log", "msg"}
LOGGERS = re.compile(r"^_?(?:log|logger|logging)$")
CONFIDENTIAL = re.compile(
    r"^(?:body|POST|GET|META|COOKIES|FILES|headers|raw|payload|password|secret|token|credential|cleaned_data)$"
)
NETWORK = re.compile(
    r"^(?:requests|urllib\.request|urllib3|httpx|aiohttp|http\.client|socket|smtplib|ftplib|telnetlib|pycurl|ssl)$"
)
RUNS_TEXT = {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}
OPENS_OBJECTS = re.compile(r"^(?:pickle|marshal|shelve|dill|jsonpickle|cPickle)\b")
XML = re.compile(r"^(?:xml\.|lxml\b)")
STARTS = {"subprocess.run", "subprocess.Popen", "subprocess.call", "subprocess.check_call", "subprocess.check_output"}
SQL_TAKERS = {"execute", "executemany", "raw", "RawSQL", "extra"}
PATTERN_TAKERS = {"compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
SECRET_NAMES = re.compile(r"(?:^|_)(?:signature|secret|token|password|hmac|mac|otp)$")
VIEWS = re.compile(r"(?:^|/)(?:\w*views|\w*pages?)\.py$")
SCOPED = {
    "Asset", "Change", "Decision", "Delivery", "DriftCase", "ExceptionRecord", "Finding", "Meeting", "Population", "PullRequest",
    "Release", "Repository", "Request", "Sample", "Verdict",
}  # fmt: skip
"""Models of which an auditor sees only what lies within the engagement."""

KNOWS_SCOPE = {"inside", "engagement_for", "engagement"}
"""Besides everything with "scope" in its name."""


@dataclass(frozen=True)
class File:
    """A parsed file of ours. Its nodes and calls are listed once, however many rules look at them."""

    path: str
    tree: ast.Module

    @cached_property
    def nodes(self):
        return list(ast.walk(self.tree))

    @cached_property
    def calls(self):
        """(call, dotted name) of every call."""
        return [(node, dotted(node.func)) for node in self.nodes if isinstance(node, ast.Call)]

    @cached_property
    def functions(self):
        """Every function, the innermost too."""
        return [node for node in self.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def dotted(node):
    """``a.b.c`` of a name or an attribute; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return ""


def is_built(node):
    """Whether a text is put together at run time from something that is no constant."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp):
        return is_built(node.left) or is_built(node.right) or not _is_constant(node)
    if isinstance(node, ast.Call):
        return dotted(node.func).rpartition(".")[2] in {"format", "join", "replace"}
    return False


def _is_constant(node):
    if isinstance(node, ast.BinOp):
        return _is_constant(node.left) and _is_constant(node.right)
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.Name | ast.Attribute) and dotted(node).rpartition(".")[2].isupper()
    )


def _keyword(call, name):
    return next((word.value for word in call.keywords if word.arg == name), None)


def built_sql(file):
    """No SQL is put together from pieces, neither where it is sent nor in a variable of the same function."""
    takers = [call for call, name in file.calls if name.rpartition(".")[2] in SQL_TAKERS and call.args]
    for call in takers:
        first = call.args[0]
        if is_built(first) or (isinstance(first, ast.Name) and first.id in _made_around(file, call)):
            yield call.lineno, "SQL from pieces: parameters, or psycopg.sql"


def _made_around(file, call):
    """Names of variables that the functions round a call put together."""
    return {
        target.id
        for function in file.functions
        if function.lineno <= call.lineno <= function.end_lineno
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and is_built(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def marked_safe(file):
    """Only what draws components says of a text that it is HTML, unless the text is a constant."""
    for call, name in file.calls:
        if name.rpartition(".")[2] in {"mark_safe", "SafeString"} and call.args and not _is_constant(call.args[0]):
            yield call.lineno, "text marked as HTML: format_html"


def goes_out(file):
    """Nothing speaks to the network but the client of the connectors and what starts the portal."""
    for node in file.nodes:
        names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or "", *(f"{node.module}.{name.name}" for name in node.names)]
        for name in names:
            if NETWORK.match(name):
                yield node.lineno, f"{name}: changes/connectors/http.py is the only way out"


def runs_text(file):
    """Nothing runs a text as code or as a command of a shell."""
    for call, name in file.calls:
        shell = _keyword(call, "shell")
        if name in RUNS_TEXT or (shell is not None and not (isinstance(shell, ast.Constant) and shell.value is False)):
            yield call.lineno, f"{name or 'a call'} runs text"


def opens_objects(file):
    """Nothing builds objects out of foreign bytes, and no XML is parsed."""
    for node in file.nodes:
        names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        for name in names:
            if OPENS_OBJECTS.match(name) or XML.match(name):
                yield node.lineno, f"{name} builds more than data"
    for call, name in file.calls:
        if name in {"yaml.load", "yaml.unsafe_load", "yaml.full_load"}:
            yield call.lineno, f"{name} builds objects: yaml.safe_load"


def logs_what_came(file):
    """No body, form, header or secret of a request is logged, not even to be masked."""
    for call, name in file.calls:
        owner, _, method = name.rpartition(".")
        if method not in LOGGING or not LOGGERS.match(owner.rpartition(".")[2]):
            continue
        for part in [*call.args, *(word.value for word in call.keywords)]:
            for node in ast.walk(part):
                named = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
                if CONFIDENTIAL.match(named):
                    yield call.lineno, f"{named} in a log"


def _only_posts(function):
    named = (each.func if isinstance(each, ast.Call) else each for each in function.decorator_list)
    return any(dotted(each).endswith("require_POST") for each in named)


def _words(function):
    """Every name in a function: variables, arguments, attributes."""
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg | ast.keyword):
            yield node.arg or ""


def reads_without_scope(file):
    """A page that an auditor may open asks for the scope where it reads evidence. What only takes a POST is behind the wall."""
    if not VIEWS.search(file.path):
        return
    for function in file.functions:
        if _only_posts(function) or any("scope" in word or word in KNOWS_SCOPE for word in _words(function)):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute) and node.attr == "objects" and dotted(node.value) in SCOPED:
                yield node.lineno, f"{dotted(node.value)} without a scope"
            if isinstance(node, ast.Call) and dotted(node.func) == "get_object_or_404" and dotted(node.args[0]) in SCOPED:
                yield node.lineno, f"{dotted(node.args[0])} without a scope"


def starts_programs(file):
    """A program is started with a list of words, and waited for until a time that is named."""
    for call, name in file.calls:
        if name not in STARTS:
            continue
        if call.args and (isinstance(call.args[0], ast.Constant) or is_built(call.args[0])):
            yield call.lineno, "the command is a text: a list of words"
        if name != "subprocess.Popen" and _keyword(call, "timeout") is None and not any(word.arg is None for word in call.keywords):
            yield call.lineno, "no time limit"


def leads_anywhere(file):
    """A redirect goes to a name of ours or to a path that begins here; anything else needs a reason."""
    for call, name in file.calls:
        if name.rpartition(".")[2] not in {"redirect", "HttpResponseRedirect", "HttpResponsePermanentRedirect"} or not call.args:
            continue
        to = call.args[0]
        if isinstance(to, ast.Constant) or (isinstance(to, ast.Call) and dotted(to.func) in {"reverse", "resolve_url"}):
            continue
        if (
            isinstance(to, ast.JoinedStr)
            and isinstance(to.values[0], ast.Constant)
            and re.match(r"/[^/\\]", str(to.values[0].value))
        ):
            continue
        yield call.lineno, f"redirect to {ast.unparse(to)[:60]}"


def compares_secrets(file):
    """Secrets are compared in constant time."""
    for node in file.nodes:
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            sides = [node.left, *node.comparators]
            named = [dotted(side).rpartition(".")[2] for side in sides]
            plain = any(isinstance(side, ast.Constant) for side in sides)
            if not plain and any(SECRET_NAMES.search(name) for name in named):
                yield node.lineno, f"{ast.unparse(node)[:60]}: compare_digest"


def takes_every_field(file):
    """A form names its fields."""
    for node in file.nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
            if name == "fields" and isinstance(value, ast.Constant) and value.value == "__all__":
                yield node.lineno, "every field of a model: name them"
            if name == "exclude" and isinstance(value, ast.List | ast.Tuple):
                yield node.lineno, "all fields but some: name those that are wanted"


def exempt_from_csrf(file):
    """Whoever is exempt from the token of a form carries a key of their own."""
    for node in file.nodes:
        if isinstance(node, ast.Name) and node.id == "csrf_exempt":
            yield node.lineno, "csrf_exempt"


def goes_round_the_wall(file):
    """No other database alias, and nothing published from a view."""
    for call, name in file.calls:
        method = name.rpartition(".")[2]
        if method == "using":
            yield call.lineno, "another database alias goes round the auditor's wall"
        if method in {"delay", "apply_async", "send_task"} and VIEWS.search(file.path):
            yield call.lineno, "a request does not publish: commit, and ring"


def patterns_from_people(file):
    """No regular expression is made of what somebody typed."""
    for call, name in file.calls:
        owner, _, method = name.rpartition(".")
        if owner == "re" and method in PATTERN_TAKERS and call.args:
            first = call.args[0]
            fixed = _is_constant(first) or (isinstance(first, ast.JoinedStr) and all(map(_fixed_part, first.values)))
            if not fixed:
                yield call.lineno, f"re.{method} of {ast.unparse(first)[:50]}"


def _fixed_part(part):
    if isinstance(part, ast.Constant):
        return True
    inner = part.value
    escaped = isinstance(inner, ast.Call) and dotted(inner.func) == "re.escape"
    pattern = isinstance(inner, ast.Attribute) and inner.attr == "pattern"
    return escaped or pattern or _is_constant(inner)


def trusts_anybody(file):
    """Certificates are checked, always."""
    for node in file.nodes:
        name = dotted(node) if isinstance(node, ast.Name | ast.Attribute) else ""
        if name.endswith(("CERT_NONE", "_create_unverified_context", "SSL_VERIFYPEER", "SSL_VERIFYHOST")):
            yield node.lineno, f"{name}: certificates are checked"
        switched = isinstance(node, ast.keyword) and node.arg in {"verify", "check_hostname"}
        if switched and isinstance(node.value, ast.Constant) and node.value.value is False:
            yield node.value.lineno, f"{node.arg}=False: certificates are checked"


def numbers_of_other_signs(file):
    """What becomes a number is decimal: ``isdigit`` takes ``²`` as well, which ``int`` refuses, and the page breaks."""
    for call, name in file.calls:
        if name.rpartition(".")[2] in {"isdigit", "isnumeric"}:
            yield call.lineno, f"{name}: isdecimal"


RULES = {
    rule.__name__: rule
    for rule in (
        built_sql,
        marked_safe,
        goes_out,
        runs_text,
        opens_objects,
        logs_what_came,
        reads_without_scope,
        starts_programs,
        leads_anywhere,
        compares_secrets,
        takes_every_field,
        exempt_from_csrf,
        goes_round_the_wall,
        patterns_from_people,
        trusts_anybody,
        numbers_of_other_signs,
    )
}


def findings(path, text):
    """{(rule, line): what} of a file."""
    file = File(path, ast.parse(text))
    return {(name, line): what for name, rule in RULES.items() for line, what in rule(file)}


def found_by(name, text, path="portal/x/views.py"):
    """What one rule finds in a text, as (line, what)."""
    return list(RULES[name](File(path, ast.parse(text))))
