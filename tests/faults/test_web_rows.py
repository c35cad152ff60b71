"""Rows S6 and S12 and the pages of R4 at a size for every run; `make faults FAULTS=full` runs them whole."""

from __future__ import annotations

from tests.faults import r4_outage, r4_pages, s6_fuzzing, s12_secrets
from tests.faults.sent_by_hand import quiet
from tests.faults.world import machine

from sealane.web.alerts import mail


def test_generated_requests_meet_no_fault_of_the_application() -> None:
    found = s6_fuzzing.run(1, wanted=s6_fuzzing.SMALL)
    assert found["verdict"] == "passed", found["wrong"] or found


def test_planted_secrets_turn_up_nowhere() -> None:
    plants = s12_secrets.attempt("sqlite")
    assert plants.found == []
    assert plants.places > 200


def test_a_mail_error_as_the_server_wrote_it_would_be_found() -> None:
    assert s12_secrets.attempt("sqlite", told=((mail, "_told"), str)).found


def test_pages_say_that_the_store_is_away_and_come_back() -> None:
    with machine("sqlite") as place, quiet():
        found = r4_pages.store_trial(place, r4_outage.no_store)
    assert found["cause"], found["wrong"]
    assert (found["lost"], found["doubled"]) == (0, 0)
    with machine("sqlite") as place, quiet():
        assert r4_pages.control(place, r4_outage.no_store)
