"""The derivation of a figure of an inventory, as the interface answers it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from sealane.web.derivation import Derivation


class Divide(BaseModel):
    """A way to divide a figure.

    Attributes
    ----------
    dimension : what by.
    path : of the same figure, divided so.
    current : it is divided so now.
    """

    model_config = ConfigDict(frozen=True)

    dimension: str
    path: str
    current: bool


class InventoryDerivation(Derivation):
    """A derivation with the ways to divide it and the way back.

    Attributes
    ----------
    result_id, port : whose figure it is.
    divisions : by what it can be divided.
    call_path : page of the port call, where all rows are of one.
    adds_up : the lines come to the inventory's figure, bit for bit; None where the figure is a plain sum or count.
    """

    result_id: str
    port: str
    divisions: list[Divide] = Field(default=[])
    call_path: str | None = None
    adds_up: bool | None = Field(None, description="Whether the lines come to the row of the inventory, bit for bit.")
