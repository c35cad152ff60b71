"""Words for codes that stand as labels in derivations; each is translated where it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sealane.web.words import N_

# The same texts as in templates/agreements/words.html.j2, so that a code reads alike everywhere.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "antecedent": N_("antecedent"),
        "sister": N_("sister port"),
        "friendship": N_("friendship port"),
        "mou": N_("memorandum of understanding"),
        "corridor": N_("shipping corridor"),
    }
)
AREA_STATES: Mapping[str, str] = MappingProxyType(
    {"built": N_("served"), "partly_built": N_("partly served"), "not_built": N_("not served yet")}
)
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "dataset_prohibited": N_("the agreement prohibits this data product"),
        "purpose_prohibited": N_("the agreement prohibits this purpose"),
        "other_dataset": N_("the clause is about another data product"),
        "clause_not_yet_valid": N_("the clause is not valid yet"),
        "clause_expired": N_("the clause is no longer valid"),
        "purpose_not_agreed": N_("the clause does not name this purpose"),
        "granularity_too_fine": N_("the clause lets only cells of grouped records through"),
        "port_outside": N_("the record's port is not among the clause's"),
        "terminal_outside": N_("the record's terminal is not among the clause's"),
        "vessel_outside": N_("the record's vessel is not among the clause's"),
        "time_outside": N_("the record's time lies outside the clause's"),
        "delay_running": N_("the clause's delay still runs"),
        "no_field_left": N_("the clause lets none of the record's fields through"),
        "shared_under_another_clause": N_("the record was shared under another clause"),
    }
)
STAGES: Mapping[str, str] = MappingProxyType(
    {
        "waiting": N_("not decided, or held until the clause's delay is over"),
        "sealed": N_("decided and numbered, without a receipt yet"),
        "not_looked_at": N_("own records that the stream has not looked at yet"),
    }
)
# Names under which a derivation says what it counts.
FILTERS = (
    N_("agreement"),
    N_("area"),
    N_("commitment"),
    N_("data product"),
    N_("kind"),
    N_("partner"),
    N_("reason"),
    N_("standing"),
    N_("state"),
    N_("stream"),
)
