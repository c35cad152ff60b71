"""What would a 10 % slower lane save, net of hotel load and of the ships that keep its frequency?"""

# A round voyage Shanghai - Los Angeles of a 15,000 TEU ship at 16.5 kn: 2 x 5,738 nm. Distance and speed
# are those of a published case; ten days in port and six ships are assumptions of this example.

import sys
from datetime import date
from pathlib import Path

from sealane.corridors.arrival.slow_steaming import SlowSteaming, slow_steaming_of
from sealane.corridors.ship_energy import ship_of_class
from sealane.reports.chart_bars import Part, ranked
from sealane.reports.chart_canvas import Chart
from sealane.reports.chart_picture import write_picture

SOURCE = "EPA class defaults, 15,000 TEU, 16.5 kn; hotel load, least engine load and extra ships counted. 2026-01-01."
ROUND_NM, SPEED_KN, PORT_H, SHIPS = 2 * 5738.0, 16.5, 240.0, 6
WORDS = {
    "fuel": "fuel",
    "wtw_co2e": "CO2e well-to-wake",
    "nox": "NOx",
    "pm25": "PM2.5",
    "energy": "work of all engines",
}


def result() -> SlowSteaming:
    """Work it out for one ship's round voyage, six ships in the service."""
    ship = ship_of_class("Container Ship", teu=15_000)
    return slow_steaming_of(ship, ROUND_NM, SPEED_KN, 0.10, day=date(2026, 1, 1), port_h=PORT_H, ships=SHIPS)


def chart() -> Chart:
    """Draw net against gross."""
    found = result()
    parts = []
    for name, words in WORDS.items():
        balance = found.balances[name]
        net, gross = 100 * balance.net_share, 100 * balance.gross_share
        parts.append(Part(words, (net, max(gross - net, 0.0))))
    return ranked(
        "Saving of a 10 % slower service", "%", ("saved net", "promised gross, but used up"), parts, of="quantity",
        finding=f"{100 * found.more_ships_share:.1f} % more ship time keeps the frequency.",
        note="The figure at the end of a bar is the gross saving by the cubic law; its first piece is what remains.",
    )  # fmt: skip


def main() -> None:
    """Print what is saved."""
    found = result()
    for name, words in WORDS.items():
        balance = found.balances[name]
        print(f"{words:22} net {balance.net_share:6.1%}   gross, cubic law {balance.gross_share:6.1%}")
    hours = found.new_sea_h - found.sea_h
    print(f"each round voyage takes {hours:.0f} h longer: {found.more_ships_share:.1%} more ship time")
    print(f"in whole ships: {found.ships} become {found.new_ships}")


if __name__ == "__main__":
    main()
    if "--picture" in sys.argv:
        write_picture(chart(), Path(sys.argv[-1]), SOURCE)
