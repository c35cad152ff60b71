"""Runs a node as a process: ``python -m tests.faults.node_process FOLDER [BROKEN]``.

BROKEN names a deliberately broken variant that the fault table must find out:

``answer_before_commit``  the receipt goes out first, the process dies before the commit (three times)
``no_dedupe``             neither counter nor inbox are asked; whatever comes takes effect
"""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from pathlib import Path
from typing import Any

from sealane.database.tables.delivery import inbox as inbox_table
from sealane.exchange import inbox
from sealane.node.serve import serve

DEATHS = 3


def answer_before_commit(folder: Path) -> None:
    """Answer in time and die before what was answered is committed."""
    import threading

    from sealane.node.api import events

    real = inbox.receive_batch

    def receive(database: Any, receiver: Any, peer: str, body: bytes, now: Any) -> inbox.Answer:
        parsed = inbox.parse_batch(body)
        with database.read() as connection:
            stream = inbox._own_stream(inbox.get_stream(connection, parsed[0].event.stream_id), peer)
        read = inbox.read_payloads(parsed, inbox.Granularity(stream.granularity), now)
        mark = folder / "deaths"
        deaths = len(mark.read_text()) if mark.exists() else 0
        if deaths >= DEATHS:
            with database.write() as connection:
                return real(connection, receiver, peer, read, now)
        answers: list[inbox.Answer] = []
        answered = threading.Event()

        def work() -> None:
            with database.write() as connection:
                answers.append(real(connection, receiver, peer, read, now))
                answered.set()
                mark.write_text("x" * (deaths + 1))
                threading.Event().wait(0.3)
                os.kill(os.getpid(), signal.SIGKILL)

        threading.Thread(target=work, daemon=True).start()
        answered.wait(10)
        return answers[0]

    events.receive = receive


def no_dedupe(_: Path) -> None:
    """Let every event of every batch take effect."""
    real_judge, real_store = inbox._judge, inbox._store

    def judge(item: Any, stream: Any, terms: Any, now: Any) -> Any:
        return real_judge(item, dataclasses.replace(stream, next_sequence=1), terms, now)

    def store(connection: Any, peer: str, stream: Any, fresh: Any, now: Any) -> None:
        ids = [outcome.id for _, outcome in fresh]
        connection.execute(inbox_table.delete().where(inbox_table.c.event_id.in_(ids)))
        real_store(connection, peer, stream, fresh, now)

    inbox._judge, inbox._store = judge, store
    inbox._contradiction = lambda *_: None


BROKEN = {"answer_before_commit": answer_before_commit, "no_dedupe": no_dedupe}


def main(folder: Path, broken: str) -> None:
    """Serve until stopped or killed."""
    if broken:
        BROKEN[broken](folder)
    serve(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
