"""The first page: what two ports share, what their lane emits, and what needs attention."""

from sealane.web.overview.page import room

__all__ = ["room"]
