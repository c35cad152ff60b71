"""A backup holds what the pages show: kept results come back with their files."""

from __future__ import annotations

import json
from pathlib import Path

from sealane.node.backup import back_up, restore
from sealane.node.open import init_node
from sealane.web.results import keep_result, results

VALUES = {"participant": "urn:example:uslax", "name": "Los Angeles", "origin": "http://127.0.0.1:8400"}


def _scenario(folder: Path) -> Path:
    """A folder that says of itself what a scenario's does."""
    folder.mkdir()
    facts = {
        "kind": "simulate",
        "title": "A title",
        "corridor": "la-lb-shanghai",
        "years": [2025, 2026],
        "sealane": "0",
    }
    (folder / "scenario.json").write_text(json.dumps(facts | {"label": "reference"}), "utf-8")
    (folder / "year.parquet").write_bytes(b"the very bytes")
    return folder


def test_results_come_back_with_their_files(tmp_path: Path) -> None:
    with init_node(tmp_path / "node", VALUES, environ={}) as node:
        kept = keep_result(node, _scenario(tmp_path / "run"))
        (kept.folder / ".reports").mkdir()
        (kept.folder / ".reports" / "report.pdf").write_bytes(b"made again when asked for")
        manifest = back_up(node, tmp_path / "backup")
    assert f"results/{kept.id}/year.parquet" in manifest["files"]
    assert not any(".reports" in name for name in manifest["files"])
    with restore(tmp_path / "backup", tmp_path / "again", environ={}) as again, again.database.read() as connection:
        (found,) = results(connection, again)
        assert (found.id, found.digest) == (kept.id, kept.digest)
        assert (found.folder / "year.parquet").read_bytes() == b"the very bytes"
        assert found.folder.is_relative_to(tmp_path / "again")
