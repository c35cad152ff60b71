"""A figure as a tree of terms: each is the correctly rounded sum of its parts, down to products of inputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sealane.web.derivation import Input


@dataclass(frozen=True)
class Term:
    """One term.

    Attributes
    ----------
    key : names it among its siblings, in an address.
    label : names it for people.
    value : in the unit of the figure.
    parts : it is the sum of; none for a product of inputs.
    dimension : what the parts are divided by.
    """

    key: str
    label: str
    value: float
    parts: tuple[Term, ...] = ()
    dimension: str = ""
    equation: str = ""
    inputs: tuple[Input, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def find(self, path: Sequence[str]) -> Term | None:
        """Return the term at a path of keys; None where there is none."""
        if not path:
            return self
        part = next((part for part in self.parts if part.key == path[0]), None)
        return None if part is None else part.find(path[1:])

    def negated(self, key: str, label: str) -> Term:
        """Return the same with the opposite sign, parts and all."""
        return replace(
            self,
            key=key,
            label=label,
            value=-self.value,
            parts=tuple(part.negated(part.key, part.label) for part in self.parts),
            equation=f"-({self.equation})" if self.equation else "",
        )


def total(key: str, label: str, dimension: str, parts: Sequence[Term], *notes: str) -> Term:
    """Return the term that is the sum of others."""
    value = math.fsum(part.value for part in parts)
    return Term(key, label, value, tuple(parts), dimension, notes=notes)
