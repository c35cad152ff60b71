"""The gallery: each page has its script and picture, and both are what the script makes today."""

from __future__ import annotations

import functools
import importlib.util
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load_maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_gallery", ROOT / "scripts" / "make_gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKER = load_maker()
SCRIPTS: dict[str, Path] = MAKER.scripts()
made = functools.cache(MAKER.made)


def numbers(text: str) -> tuple[str, list[float]]:
    """The text without its numbers, and the numbers."""
    pattern = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
    return pattern.sub("#", text), [float(n.replace(",", "")) for n in pattern.findall(text)]


def assert_alike(found: str, kept: str) -> None:
    """Equal but for the last digit of a number: another processor may round it the other way."""
    words, values = numbers(found)
    kept_words, kept_values = numbers(kept)
    assert words == kept_words
    assert values == pytest.approx(kept_values, rel=2e-3, abs=0.11)


def test_every_page_stands_in_the_index_with_a_script_and_a_picture() -> None:
    pages = {p.name for p in MAKER.PAGES.glob("*.md")} - {"index.md"}
    index = (MAKER.PAGES / "index.md").read_text("utf-8")
    assert pages == set(re.findall(r"\]\(([\w-]+\.md)\)", index))
    assert {p.name for p in SCRIPTS.values()} == pages
    assert len(pages) >= 6
    for name, page in SCRIPTS.items():
        assert f"](../images/gallery/{name}.svg)" in page.read_text("utf-8")
    assert {p.stem for p in MAKER.PICTURES.glob("*.svg")} == set(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_picture_is_what_the_script_draws(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert_alike(made(name)[1], (MAKER.PICTURES / f"{name}.svg").read_text("utf-8"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_output_is_what_the_script_prints(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    kept = next(m[3] for m in MAKER.OUTPUT.finditer(SCRIPTS[name].read_text("utf-8")) if m[2] == name)
    assert kept.strip()
    assert_alike(made(name)[0], kept)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_picture_has_words_and_needs_nothing(name: str) -> None:
    text = (MAKER.PICTURES / f"{name}.svg").read_text("utf-8")
    root = ET.fromstring(text)
    assert (root.findtext("{http://www.w3.org/2000/svg}desc") or "").strip()
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|<script|<image|@import", text)


def test_a_changed_number_would_be_seen() -> None:
    text = (MAKER.PICTURES / "redraw_a_published_figure.svg").read_text("utf-8")
    with pytest.raises(AssertionError):
        assert_alike(text, re.sub(r'x="(\d+)', lambda m: f'x="{int(m[1]) + 3}', text))
    with pytest.raises(AssertionError):
        assert_alike(text, text.replace("load", "speed"))
