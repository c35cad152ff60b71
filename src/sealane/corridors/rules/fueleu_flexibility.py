"""FuelEU Maritime over several years and ships: banking, borrowing and pooling of the compliance balance.

Regulation (EU) 2023/1805 Articles 20, 21 and 23. Per ship and year::

    adjusted = initial + banked before - 1.1 x borrowed before
    verified = adjusted + pooled in + borrowed - banked

Banking and pooling conserve the balance; borrowing adds what the next period gives back with ten per cent on top.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sealane.corridors.rules.fueleu import FuelEuResult, constant, limit_g_per_mj, penalty_eur
from sealane.errors import DataError, Fault

ACTIONS = ("bank", "borrow", "pool")
# A pool is judged to this part of what goes through it: sums of large numbers are not exact.
RELATIVE_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Measure:
    """What a company does with a ship's adjusted balance of a year.

    Attributes
    ----------
    ship, year : whose balance.
    action : ``bank``, ``borrow`` or ``pool``.
    amount_t : bank: how much [t CO2e], None for all of the surplus; pool: the balance the ship leaves the pool with
        [t CO2e], None for all ships of the pool to share its sum; borrow: None, the deficit itself is borrowed.
    pool : name of the pool.
    where : place in the user's file, for messages.
    """

    ship: str
    year: int
    action: str
    amount_t: float | None = None
    pool: str = ""
    where: str = ""


@dataclass(frozen=True)
class Settled:
    """The compliance balance of a ship and year after all measures [g CO2e].

    Attributes
    ----------
    initial_g : as calculated from the year's fuel.
    banked_before_g, repaid_g : what the period before brought: surplus banked, and 1.1 times what was borrowed.
    adjusted_g : initial + banked before - repaid.
    pooled_g : received from the pool; negative where given.
    borrowed_g, banked_g : taken from, and left to, the next period.
    verified_g : what is left; negative for a deficit.
    deficit_years : consecutive periods with a deficit, 0 without one.
    penalty_eur : for the verified deficit.
    """

    ship: str
    year: int
    initial_g: float
    banked_before_g: float
    repaid_g: float
    adjusted_g: float
    pooled_g: float
    borrowed_g: float
    banked_g: float
    verified_g: float
    deficit_years: int
    penalty_eur: float
    pool: str


@dataclass(frozen=True)
class Settlement:
    """All ships and years settled, and what is still open after a ship's last year.

    Attributes
    ----------
    years : one entry per ship and year, by year and ship.
    banked_g, to_repay_g : by ship: surplus in the bank, and what a further period would have taken off.
    notes : what the reader must know.
    """

    years: tuple[Settled, ...]
    banked_g: Mapping[str, float]
    to_repay_g: Mapping[str, float]
    notes: tuple[str, ...]


def borrowing_cap_g(year: int, energy_mj: float) -> float:
    """Largest advance compliance surplus of a year [g CO2e]: 2 % of limit x energy in scope, Article 20."""
    return constant("borrowing_cap").value * limit_g_per_mj(year) * energy_mj


def repayment_g(borrowed_g: float) -> float:
    """What the next period gives back for an advance compliance surplus [g CO2e]: 1.1 times it, Article 20."""
    return constant("borrowing_repayment").value * borrowed_g


def pool_faults(before_g: Mapping[str, float], after_g: Mapping[str, float]) -> list[Fault]:
    """What makes a pool invalid, Article 21(4); empty for a valid one.

    The sum must not be negative and is what is shared out; a ship with a deficit must not leave with a larger one, a
    ship with a surplus not with a deficit.
    """
    total, scale = math.fsum(before_g.values()), math.fsum(map(abs, before_g.values()))
    slack = RELATIVE_TOLERANCE * scale
    faults = []
    if total < -slack:
        faults.append(
            Fault(
                "pool",
                f"sum {total / 1e6:,.6g} t CO2e",
                "Add surplus until the sum is not negative; or leave ships out",
            )
        )
    elif abs(math.fsum(after_g.values()) - total) > slack:
        found = f"{math.fsum(after_g.values()) / 1e6:,.6g} t CO2e shared out of {total / 1e6:,.6g}"
        faults.append(Fault("pool", found, "Share out the sum, no more and no less"))
    for ship in sorted(before_g):
        was, now = before_g[ship], after_g[ship]
        change = f"{was / 1e6:,.6g} t CO2e before, {now / 1e6:,.6g} after"
        if was < 0.0 and now < was - slack:
            faults.append(Fault(f"pool, ship {ship}", change, "A ship with a deficit must not leave with a larger one"))
        if was >= 0.0 and now < -slack:
            faults.append(Fault(f"pool, ship {ship}", change, "A ship with a surplus must not leave with a deficit"))
    return faults


def pool(before_g: Mapping[str, float], after_g: Mapping[str, float] | None = None) -> dict[str, float]:
    """Balances with which ships leave a pool [g CO2e].

    Parameters
    ----------
    before_g : adjusted balance of each ship.
    after_g : allocation chosen; None: deficits are met in full, and the surplus that is left stays with the ships that
        brought it, in proportion to what they brought.

    Raises
    ------
    DataError
        listing every condition of Article 21(4) that is not met.
    """
    if after_g is None:
        surplus = math.fsum(value for value in before_g.values() if value > 0.0)
        left = max(0.0, math.fsum(before_g.values()))
        after_g = {s: v * (left / surplus) if v > 0.0 else 0.0 for s, v in before_g.items()}
    faults = pool_faults(before_g, after_g)
    if faults:
        raise DataError("The pool is not valid (Regulation (EU) 2023/1805 Article 21(4)).", faults)
    return {ship: after_g[ship] for ship in sorted(before_g)}


@dataclass
class _Account:
    """What a ship carries from year to year while settling."""

    banked_g: float = 0.0
    borrowed_g: float = 0.0
    borrowed_in: int | None = None
    deficits: int = 0
    last_year: int | None = None


def _check_measures(measures: Sequence[Measure], known: set[tuple[str, int]]) -> list[Fault]:
    faults = []
    seen: dict[tuple[str, int], Measure] = {}
    for number, measure in enumerate(measures, 1):
        where = measure.where or f"measure {number}"
        key = (measure.ship, measure.year)
        if measure.action not in ACTIONS:
            faults.append(Fault(f"{where}, action", f"'{measure.action}'", f"Give one of: {', '.join(ACTIONS)}"))
        if key not in known:
            faults.append(Fault(f"{where}, ship", f"{measure.ship} in {measure.year}", "Give a ship and year assessed"))
        if key in seen:
            remedy = "A ship banks, borrows or pools in a year; a ship that pools may not borrow (Article 21)"
            faults.append(Fault(where, f"a second measure for {measure.ship} in {measure.year}", remedy))
        seen.setdefault(key, measure)
        if measure.action == "pool" and not measure.pool:
            faults.append(Fault(f"{where}, pool", "not given", "Name the pool"))
        if measure.action == "borrow" and measure.amount_t is not None:
            faults.append(
                Fault(f"{where}, amount_t", f"{measure.amount_t:g}", "Leave it empty: the deficit itself is borrowed")
            )
        if measure.action == "bank" and measure.amount_t is not None and not measure.amount_t > 0.0:
            faults.append(
                Fault(f"{where}, amount_t", f"{measure.amount_t:g}", "Give t CO2e above 0, or leave it empty")
            )
    by_pool: dict[tuple[str, int], set[bool]] = {}
    for measure in measures:
        if measure.action == "pool":
            by_pool.setdefault((measure.pool, measure.year), set()).add(measure.amount_t is None)
    for (name, year), kinds in sorted(by_pool.items()):
        if len(kinds) > 1:
            remedy = "Give amount_t for every ship of the pool, or for none"
            faults.append(Fault(f"pool {name}, {year}", "amount_t for some ships only", remedy))
    return faults


def settle(results: Iterable[FuelEuResult], measures: Sequence[Measure] = ()) -> Settlement:
    """Settle the balances of ships over their years, in time.

    What is banked does not expire and stays with its ship. Consecutive periods with a deficit are counted from the
    verified balances; a ship's first year starts with the number its result carries. A ship left without a measure
    banks nothing and pays for its deficit.

    Parameters
    ----------
    results : FuelEU Maritime of each ship and year, once each.
    measures : at most one per ship and year.

    Raises
    ------
    DataError
        listing every measure that the regulation does not allow.
    """
    by_key: dict[tuple[str, int], FuelEuResult] = {}
    faults: list[Fault] = []
    for result in results:
        if (result.ship, result.year) in by_key:
            faults.append(Fault(f"ship {result.ship}, {result.year}", "assessed twice", "Give each ship and year once"))
        by_key[(result.ship, result.year)] = result
    faults += _check_measures(measures, set(by_key))
    if faults:
        raise DataError("The measures cannot be applied.", faults)
    chosen = {(m.ship, m.year): m for m in measures}
    accounts: dict[str, _Account] = {ship: _Account() for ship, _ in by_key}
    notes: list[str] = []
    settled: list[Settled] = []
    for year in sorted({year for _, year in by_key}):
        entries = [by_key[key] for key in sorted(by_key) if key[1] == year]
        settled += _settle_year(year, entries, chosen, accounts, faults, notes)
    if faults:
        raise DataError("The measures cannot be applied.", faults)
    return Settlement(
        years=tuple(settled),
        banked_g={ship: accounts[ship].banked_g for ship in sorted(accounts)},
        to_repay_g={ship: repayment_g(accounts[ship].borrowed_g) for ship in sorted(accounts)},
        notes=tuple(dict.fromkeys(notes)),
    )


def _settle_year(
    year: int,
    entries: Sequence[FuelEuResult],
    chosen: Mapping[tuple[str, int], Measure],
    accounts: Mapping[str, _Account],
    faults: list[Fault],
    notes: list[str],
) -> list[Settled]:
    banked_before = {r.ship: accounts[r.ship].banked_g for r in entries}
    repaid = {r.ship: repayment_g(accounts[r.ship].borrowed_g) for r in entries}
    adjusted = {r.ship: math.fsum((r.balance_g, banked_before[r.ship], -repaid[r.ship])) for r in entries}
    pooled = _pooled(year, adjusted, chosen, faults)
    settled = []
    for result in entries:
        ship, account = result.ship, accounts[result.ship]
        measure = chosen.get((ship, year))
        if repaid[ship] and account.borrowed_in != year - 1:
            notes.append(f"{ship} borrowed in {account.borrowed_in}; it is repaid in {year}, the next year given.")
        balance = adjusted[ship] + pooled.get(ship, 0.0)
        borrowed = banked = 0.0
        if measure is not None and measure.action == "borrow":
            borrowed = _borrowed(result, measure, balance, account, faults)
        if measure is not None and measure.action == "bank":
            banked = _banked(measure, balance, faults)
        verified = balance + borrowed - banked
        if abs(verified) <= RELATIVE_TOLERANCE * max(abs(balance), abs(adjusted[ship])):
            verified = 0.0
        first = account.last_year is None
        consecutive = first or account.last_year == year - 1
        before = result.deficit_years - 1 if first else account.deficits
        deficits = (before if consecutive else 0) + 1 if verified < 0.0 else 0
        if verified < 0.0 and math.isnan(result.intensity_g_per_mj):
            notes.append(
                f"{ship} has a deficit in {year} without energy in scope: no intensity, so no penalty is worked out."
            )
        if verified > 0.0:
            left = "the pool with" if measure is not None and measure.action == "pool" else "the period with"
            notes.append(
                f"{ship} leaves {left} {verified / 1e6:,.6g} t CO2e of surplus in {year} that are neither banked nor "
                "given to another ship, and so are lost here."
            )
        settled.append(
            Settled(
                ship=ship,
                year=year,
                initial_g=result.balance_g,
                banked_before_g=banked_before[ship],
                repaid_g=repaid[ship],
                adjusted_g=adjusted[ship],
                pooled_g=pooled.get(ship, 0.0),
                borrowed_g=borrowed,
                banked_g=banked,
                verified_g=verified,
                deficit_years=deficits,
                penalty_eur=penalty_eur(verified, result.intensity_g_per_mj, deficits),
                pool=measure.pool if measure is not None else "",
            )
        )
        account.banked_g, account.borrowed_g, account.last_year, account.deficits = banked, borrowed, year, deficits
        account.borrowed_in = year if borrowed else account.borrowed_in
    return settled


def _pooled(
    year: int, adjusted: Mapping[str, float], chosen: Mapping[tuple[str, int], Measure], faults: list[Fault]
) -> dict[str, float]:
    """What each ship receives from its pool [g CO2e]."""
    members: dict[str, list[Measure]] = {}
    for ship in adjusted:
        measure = chosen.get((ship, year))
        if measure is not None and measure.action == "pool":
            members.setdefault(measure.pool, []).append(measure)
    received: dict[str, float] = {}
    for name in sorted(members):
        before = {m.ship: adjusted[m.ship] for m in members[name]}
        given = {m.ship: m.amount_t * 1e6 for m in members[name] if m.amount_t is not None}
        try:
            after = pool(before, given or None)
        except DataError as error:
            faults += [
                Fault(f"pool {name}, {year}: {fault.where}", fault.found, fault.remedy) for fault in error.faults
            ]
            continue
        received |= {ship: after[ship] - before[ship] for ship in after}
    return received


def _borrowed(result: FuelEuResult, measure: Measure, balance: float, account: _Account, faults: list[Fault]) -> float:
    where = measure.where or f"ship {result.ship}, {result.year}"
    before = len(faults)
    if balance >= 0.0:
        faults.append(Fault(where, f"balance {balance / 1e6:,.6g} t CO2e", "Only a deficit can be borrowed for"))
    if account.borrowed_in == result.year - 1:
        faults.append(Fault(where, f"borrowed in {result.year - 1} too", "Not in two consecutive periods (Article 20)"))
    cap = borrowing_cap_g(result.year, result.energy_mj)
    if -balance > cap:
        found = f"deficit {-balance / 1e6:,.6g} t CO2e"
        faults.append(Fault(where, found, f"At most 2 % of limit x energy, {cap / 1e6:,.6g} t CO2e; pool or pay"))
    return -balance if len(faults) == before else 0.0


def _banked(measure: Measure, balance: float, faults: list[Fault]) -> float:
    where = measure.where or f"ship {measure.ship}, {measure.year}"
    if balance <= 0.0:
        faults.append(Fault(where, f"balance {balance / 1e6:,.6g} t CO2e", "Only a surplus can be banked"))
        return 0.0
    amount = balance if measure.amount_t is None else measure.amount_t * 1e6
    if amount > balance * (1.0 + RELATIVE_TOLERANCE):
        found = f"{amount / 1e6:,.6g} t CO2e of a surplus of {balance / 1e6:,.6g}"
        faults.append(Fault(f"{where}, amount_t", found, "Bank at most the surplus"))
        return 0.0
    return min(amount, balance)
