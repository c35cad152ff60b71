"""Texts that results hold and derivations show, marked for translation: made by rooms that know no languages.

A test holds them equal to what those rooms say.
"""

from __future__ import annotations

from sealane.web.words import N_

# movement.cleaning.RULES: what a rule does and what it means.
CLEANING = (
    N_("report removed"),
    N_("MMSI of an aid to navigation, SAR aircraft, coast station, craft or no class at all"),
    N_("same vessel, time and position as the report before it"),
    N_("same vessel and time, other position or speed; the smallest (lat, lon, sog) stays"),
    N_("latitude 91 or longitude 181: the AIS code for not available"),
    N_("outside the globe, or exactly 0, 0"),
    N_("only reachable from the ship's track above the speed limit"),
    N_("belongs to a second track under the same MMSI at the same time"),
    N_("speed derived"),
    N_("speed 102.3 kn, or no speed given"),
    N_("negative, or above the limit for a ship"),
    N_("speed left unknown"),
    N_("no speed, and no second position near enough in time to derive one"),
    N_("flagged"),
    N_("course 360: the AIS code for not available"),
    N_("course below zero, an export fault; the course is not used"),
    N_("heading 511, or none given"),
    N_("draught 0, or none given; the vessel's last known draught is used"),
    N_("navigational status 15, or none given; motion and zones decide"),
)
# ais_type_to_class.csv and emissions.vessels: why a vessel is not in an inventory.
LEFT_OUT = (
    N_("ship type not available (AIS code 0)"),
    N_("ship type reserved by ITU-R M.1371, says nothing about the ship"),
    N_("wing-in-ground craft, not an ocean-going vessel"),
    N_("fishing vessel, counted as harbour craft"),
    N_("towing vessel, counted as harbour craft"),
    N_("dredger or underwater operations, counted as harbour craft"),
    N_("diving operations, counted as harbour craft"),
    N_("military operations, particulars not public"),
    N_("sailing vessel, pleasure craft"),
    N_("pleasure craft"),
    N_("high-speed craft, counted as harbour craft (ferries)"),
    N_("pilot vessel, counted as harbour craft"),
    N_("search and rescue vessel, counted as harbour craft"),
    N_("tug, counted as harbour craft"),
    N_("port tender, counted as harbour craft"),
    N_("anti-pollution vessel, counted as harbour craft"),
    N_("law enforcement vessel, counted as harbour craft"),
    N_("local vessel (spare code), says nothing about the ship"),
    N_("medical transport or non-combatant ship, no class in the emission tables"),
    N_("length not available: class cannot be told; give the ship in the vessels file"),
    N_("passenger vessel under 100 m: local ferry or excursion boat, counted as harbour craft"),
    N_("cargo vessel under 50 m: harbour or coastal work craft"),
    N_("tanker under 50 m: harbour bunker or supply craft"),
    N_('AIS type "other": no class in the emission tables can be told'),
    N_("ship type code outside ITU-R M.1371"),
    N_("freight barge, has no engine of its own"),
    N_('MarineCadastre type "other" (industrial, offshore, oil recovery, unclassified): no class can be told'),
    N_("passenger barge, has no engine of its own"),
    N_("public tankship or barge: cannot be told apart"),
    N_("public vessel, unclassified"),
    N_("research vessel, no class in the emission tables can be told"),
    N_("search and rescue aircraft, not a ship"),
    N_("school ship, no class in the emission tables can be told"),
    N_("tank barge, has no engine of its own"),
    N_("ship type code outside ITU-R M.1371 and MarineCadastre"),
    N_("class B transceiver without a valid IMO number"),
    N_("no class can be told"),
)
# corridors.lanes.explain: what a figure of a leg is made of.
LEG = (
    N_("sum of its lines"),
    N_("tank-to-wake + well-to-tank"),
)
# Codes of tables that stand as the source of an input.
SOURCES = (
    N_("sailed"),
    N_("route"),
    N_("none"),
    N_("class default"),
    N_("AIS static"),
    N_("user file"),
    N_("assumption"),
    N_("told"),
    N_("from_times"),
    N_("part_filled"),
    N_("filled"),
    N_("largest draught reported by AIS"),
)
