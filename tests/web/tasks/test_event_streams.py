"""Streams of events: nobody takes all that a worker can keep open."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest
from fastapi import Request

from sealane.errors import RequestRefusedError
from sealane.web.tasks import events
from sealane.web.tasks.events import MAX_OF_ONE, MAX_STREAMS, Seen, event_stream


def ask(user_id: str | None, login: str = "ann") -> int:
    viewer = SimpleNamespace(user_id=user_id, login=login)
    request = SimpleNamespace(headers={}, state=SimpleNamespace(viewer=viewer))
    answer = asyncio.run(event_stream(cast("Request", request), lambda: Seen("1", {}, False)))
    return answer.status_code


def test_one_person_leaves_streams_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_open", {object(): "ann" for _ in range(MAX_OF_ONE - 1)})
    assert ask("ann") == 200
    events._open[object()] = "ann"
    with pytest.raises(RequestRefusedError, match="Too many pages") as refused:
        ask("ann")
    assert refused.value.status == 503 and refused.value.retry_after_s == 5
    assert ask("bob") == 200 and ask(None, "ann") == 200, "a token of that name is somebody else"


def test_a_worker_keeps_so_many_open_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_open", {object(): f"person {n}" for n in range(MAX_STREAMS)})
    with pytest.raises(RequestRefusedError):
        ask("somebody else")
