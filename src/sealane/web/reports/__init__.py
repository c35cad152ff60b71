"""Reports: kept results with their files in every form, for any period."""

from sealane.web.reports.room import room

__all__ = ["room"]
