"""Hook of the build: a wheel holds the browser's files, an editable install finds them in its folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent / "scripts"))
import build_assets


class BrowserAssets(BuildHookInterface):  # type: ignore[type-arg]  # the configuration is hatchling's own
    """Makes ``src/sealane/web/static/vendor/`` before a wheel or an editable install is put together."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node.js from PyPI, only where the machine has none and it is needed."""
        if self.target_name != "wheel" or build_assets.is_made() or build_assets.node_of_machine():
            return []
        return [build_assets.WITHOUT_NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make them; a failure ends the build with its reason."""
        if self.target_name == "wheel":
            build_assets.make()
