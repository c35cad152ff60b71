"""No refusal speaks English only: what the pages' own errors say is marked, so that it stands in every catalogue."""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Iterator

import pytest

from sealane.errors import DataError, Fault, InputError, Phrase
from sealane.node.problems import Problem
from sealane.node.validation_words import WORDS
from sealane.web.error_pages import translated
from sealane.web.tasks.child import said
from sealane.web.tasks.room import ErrorShown
from sealane.web.words import FOLDER, Words

WEB = FOLDER.parent
# What an error says, by the place and the name of the argument. FileFormatError is left out: it names files of the
# node's own folder, and whoever catches it tells people something else.
SAID = {
    "RequestRefusedError": {2: "detail", 3: "remedy"},
    "InputError": {0: "message"},
    "UnreachableError": {0: "message"},
    "DataError": {0: "title"},
    "Fault": {1: "found", 2: "remedy"},
}
# Read when a node starts and by its operator, never by who looks at a page.
NOT_SHOWN = {"accounts/roles.py"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources() -> dict[str, str]:
    """Return every module of the pages: path below ``web`` to source."""
    return {path.relative_to(WEB).as_posix(): path.read_text("utf-8") for path in sorted(WEB.rglob("*.py"))}


def bare_words(modules: dict[str, str]) -> list[str]:
    """Return what errors say as a text that no catalogue knows: ``module:line: text``.

    A function that hands a parameter on to an error is looked at where it is called; a name, where it is assigned.
    """
    trees = {name: ast.parse(source) for name, source in modules.items()}
    everywhere = {name: dict(places) for name, places in SAID.items()}
    own: dict[str, dict[str, dict[int, str]]] = {module: {} for module in trees}
    before = -1
    while before != (before := len(everywhere) + sum(map(len, own.values()))):  # until none more hands words on
        for module, tree in trees.items():
            for function in (node for node in ast.walk(tree) if isinstance(node, Function)):
                names = [one.arg for one in [*function.args.posonlyargs, *function.args.args]]
                handed = {one.id for _, one in _words(function, everywhere | own[module]) if isinstance(one, ast.Name)}
                places = {names.index(name): name for name in names if name in handed}
                if places and names[0] not in {"self", "cls"}:
                    its = own[module] if function.name.startswith("_") else everywhere
                    its.setdefault(function.name, {}).update(places)
    found: set[str] = set()
    for module, tree in trees.items():
        if module in NOT_SHOWN:
            continue
        assigned = _assigned(tree)
        words = [*_words(tree, everywhere | own[module]), *_words_of_checks(tree)]
        for line, expression in words:
            for text in _bare(expression, assigned):
                found.add(f"{module}:{line}: {text}")
    return sorted(found)


def _words_of_checks(tree: ast.AST) -> Iterator[tuple[int, ast.expr]]:
    """What pydantic's validators say: a ValueError of theirs becomes a fault."""
    for function in (node for node in ast.walk(tree) if isinstance(node, Function)):
        if any("validator" in ast.unparse(one) for one in function.decorator_list):
            yield from _words(function, {"ValueError": {0: "message"}})


def _words(tree: ast.AST, said: dict[str, dict[int, str]]) -> Iterator[tuple[int, ast.expr]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        places = said.get(name, {})
        for place, argument in enumerate(node.args):
            if place in places:
                yield node.lineno, argument
        for keyword in node.keywords:
            if keyword.arg in places.values():
                yield node.lineno, keyword.value


def _assigned(tree: ast.AST) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = defaultdict(list)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            if isinstance(target, ast.Name):
                found[target.id].append(node.value)
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for one, value in zip(target.elts, node.value.elts, strict=True):
                    if isinstance(one, ast.Name):
                        found[one.id].append(value)
    return found


def _bare(expression: ast.expr, assigned: dict[str, list[ast.expr]], depth: int = 0) -> Iterator[str]:
    match expression:
        case ast.Constant(value=str() as text) if any(letter.isalpha() for letter in text):
            yield text
        case ast.JoinedStr(values=parts):
            # A value alone, such as what was found, is no sentence.
            if any(isinstance(one, ast.Constant) and any(c.isalpha() for c in str(one.value)) for one in parts):
                yield ast.unparse(expression)
        case ast.IfExp(body=one, orelse=other):
            yield from _bare(one, assigned, depth)
            yield from _bare(other, assigned, depth)
        case ast.BoolOp(values=many):
            for one in many:
                yield from _bare(one, assigned, depth)
        case ast.BinOp(left=one, right=other):
            yield from _bare(one, assigned, depth)
            yield from _bare(other, assigned, depth)
        case ast.Name(id=name) if depth < 3:
            for one in assigned.get(name, ()):
                yield from _bare(one, assigned, depth + 1)
        case ast.Call(func=ast.Name(id="Phrase"), args=[text, *_], keywords=values):
            if not isinstance(text, ast.Constant):
                yield f"not a text itself: {ast.unparse(text)}"
            for value in values:  # words within words
                if isinstance(value.value, ast.IfExp | ast.Constant):
                    yield from _bare(value.value, assigned, depth)


def test_what_errors_say_is_marked_for_translation() -> None:
    assert bare_words(sources()) == []


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("raise InputError('It is wrong.')", "It is wrong."),
        ("raise RequestRefusedError(404, 'gone', f'{x} is gone.', Phrase('See all.'))", "f'{x} is gone.'"),
        ("raise RequestRefusedError(404, 'gone', Phrase('Gone.'), remedy='See all.')", "See all."),
        ("Fault('name', Phrase('is empty'), 'Give one' if x else Phrase('Leave it'))", "Give one"),
        ("words = 'It is wrong.'\nraise DataError(words, [])", "It is wrong."),
        ("def refuse(words):\n    return InputError(words)\nraise refuse('It is wrong.')", "It is wrong."),
        ("@field_validator('x')\ndef look(cls, x):\n    raise ValueError('must be even')", "must be even"),
        ("raise InputError(Phrase(f'{x} is wrong.'))", "not a text itself: f'{x} is wrong.'"),
        ("raise InputError(Phrase('%(x)s lacks', x='the day' if y else Phrase('the hour')))", "the day"),
    ],
)
def test_the_walk_notices_what_is_not_marked(source: str, text: str) -> None:
    assert [one.partition(": ")[2] for one in bare_words({"one.py": source})] == [text]


def test_the_walk_lets_through_what_is_marked_or_only_a_value() -> None:
    source = "Fault(name, f'{value!r}', Phrase('Give %(n)s.', n=3))\nInputError(str(error))\nDataError(error.title, [])"
    assert bare_words({"one.py": source}) == []


def test_what_no_catalogue_holds_stays_english_and_is_named() -> None:
    faults = (Fault("a.csv row 3", "speed is -4 kn", "Give 0 or more"), Fault("x", Phrase("is missing"), ""))
    problem = Problem(400, "invalid-data", Phrase("The file cannot be read."), "Correct it!", "1", faults)
    found = json.loads(translated(problem, Words("ja")))
    assert found["english"] == ["remedy", "faults.0.found", "faults.0.remedy"]
    assert found["faults"][1]["found"] == Words("ja")("is missing")
    assert (found["type"], found["status"]) == ("urn:sealane:problem:invalid-data", 400)


def test_an_error_of_long_work_is_kept_so_that_it_can_be_translated() -> None:
    error = DataError(
        Phrase("The file cannot be read."),
        [Fault("v.csv", Phrase("has more than %(max_length)s characters", max_length=5), "Ours: %s 100 %")],
    )
    shown = ErrorShown(**json.loads(json.dumps(said(error))))
    assert shown.title == "The file cannot be read."
    assert Words("ja").phrase(shown.title) == Words("ja")("The file cannot be read.")
    assert Words("ja").phrase(shown.faults[0].found) == "5文字を超えています"
    assert shown.faults[0].remedy == "Ours: %s 100 %"
    assert json.loads(shown.model_dump_json())["faults"][0]["found"] == "has more than 5 characters"


def test_words_within_words_are_translated_too() -> None:
    inner = InputError(Phrase("%(text)s is no time zone. Write Asia/Tokyo or +09:00.", text="'x'"))
    outer = Phrase("No account can be made of what the provider says. %(error)s", error=inner)
    assert str(outer).endswith("says. 'x' is no time zone. Write Asia/Tokyo or +09:00.")
    told = Words("ja").phrase(outer)
    assert told.endswith(Words("ja").phrase(str(inner)))
    assert "'x'は" in told
    assert "time" not in told


@pytest.mark.parametrize("kind", sorted(WORDS))
def test_every_type_of_fault_has_japanese_words(kind: str) -> None:
    words = Words("ja")
    assert all(words.has_phrase(text) for text in WORDS[kind])
