"""The map's endpoints on a node with a real hour of New York: tiles, ETags, ships, the table, guests, refusals."""

from __future__ import annotations

import gzip
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Depends
from tests.live_nodes import free_socket, serving
from tests.nodes import make_node
from tests.web.tiles.mvt_decoder import decode

from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import run_inventory
from sealane.node import Node
from sealane.node.app import create_app
from sealane.samples import __file__ as samples
from sealane.web.accounts.gate import gate
from sealane.web.results import Result, keep_result
from sealane.web.tiles import kept, router
from sealane.web.tiles.mercator import Tile
from sealane.web.tiles.prepare import prepare

HOUR = Path(samples).parent / "data" / "ny_harbor_2020_06_30_first_hour.csv.gz"


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hour") / "result"
    run_inventory(InventoryRequest((HOUR,), "USNYC", out, threads=1, keep_tracks=True))
    return out


class Place:
    """A node with one result for everybody and one that is not."""

    def __init__(self, folder: Path, result: Path) -> None:
        self.socket = free_socket()
        port = self.socket.getsockname()[1]
        self.node: Node = make_node(folder / "node", port=port, origin=f"http://127.0.0.1:{port}", guests=True)
        self.open: Result = keep_result(self.node, result, public=True)
        self.closed: Result = keep_result(self.node, result, public=False)
        kept.track_layer(self.node, self.open, 120)
        app = create_app(self.node)
        made = router.room(self.node)
        for one in (made.api, made.pages):
            app.include_router(one, dependencies=[Depends(gate(self.node))])
        self.app = app
        self.client = httpx.Client(base_url=self.node.settings.origin, timeout=60, trust_env=False)

    def tile(self, layer: str, z: int, x: int, y: int, result: Result | None = None, **query: Any) -> Any:
        path = f"/api/v1/results/{(result or self.open).id}/tiles/{layer}/{z}/{x}/{y}.mvt"
        return self.client.get(path, params=query, headers={"Accept-Encoding": "gzip"})


@pytest.fixture(scope="module")
def place(hour: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("place"), hour)
    with serving(made.app, made.socket):
        yield made
    made.client.close()
    made.node.close()


HARBOUR = (10, 301, 385)


def test_every_layer_has_something_in_the_harbour(place: Place) -> None:
    for layer in router.TileLayer:
        answer = place.tile(layer.value, *HARBOUR)
        assert answer.status_code == 200, (layer, answer.text[:300])
        assert answer.headers["content-type"] == router.MEDIA_TYPE
        assert decode(answer.content)[layer.value], layer
    names = {ship.properties.get("name") for ship in decode(place.tile("ships", *HARBOUR).content)["ships"]}
    assert len(names) > 1


def test_a_tile_that_is_known_is_not_sent_again(place: Place) -> None:
    first = place.tile("tracks", *HARBOUR)
    tag = first.headers["etag"]
    path = first.request.url.path
    again = place.client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    for query in ({"from": "2020-06-30T00:10:00Z"}, {"pollutant": "co2"}):
        other = place.client.get(path, params=query, headers={"If-None-Match": tag})
        assert other.status_code != 304
    assert place.tile("tracks", *HARBOUR, result=place.open).headers["etag"] == tag
    assert place.tile("tracks", 10, 301, 384).headers["etag"] != tag


def test_an_empty_tile_is_told_without_content(place: Place) -> None:
    answer = place.tile("tracks", 10, 0, 0)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["sealane-shown"] == "0/0"


def test_a_period_narrows_the_tracks(place: Place) -> None:
    whole = place.tile("tracks", *HARBOUR).content
    part = place.tile("tracks", *HARBOUR, **{"from": "2020-06-30T00:10:00Z", "to": "2020-06-30T00:12:00Z"}).content
    assert 0 < len(part) < len(whole)
    refused = place.tile("tracks", *HARBOUR, **{"from": "2020-06-30T00:10:00Z", "to": "2020-06-30T00:10:00Z"})
    assert refused.status_code == 422
    assert refused.json()["type"].endswith("empty-period")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/results/{id}/tiles/tracks/2/4/0.mvt", 404),
        ("/api/v1/results/{id}/tiles/tracks/17/0/0.mvt", 422),
        ("/api/v1/results/{id}/tiles/tracks/-1/0/0.mvt", 422),
        ("/api/v1/results/{id}/tiles/secrets/2/0/0.mvt", 422),
        ("/api/v1/results/{id}/tiles/heat/2/0/0.mvt?pollutant=bc", 404),
        ("/api/v1/results/{id}/tiles/heat/2/0/0.mvt?pollutant=../x", 422),
        ("/api/v1/results/{id}/tiles/ships/2/0/0.mvt?at=1066-10-14T00:00:00Z", 422),
        ("/api/v1/results/{id}/tiles/ships/2/0/0.mvt?at=2020-06-30T00:00:00", 422),
        ("/api/v1/results/{id}/ships", 422),
        ("/api/v1/results/../tiles/tracks/2/0/0.mvt", 404),
        ("/api/v1/results/nobody/tiles/tracks/2/0/0.mvt", 422),
        ("/api/v1/results/00000000-0000-0000-0000-000000000000/map", 404),
        ("/api/v1/map/land/2/4/0.mvt", 404),
        ("/api/v1/explain/heat/{id}?pollutant=nox&lat=0&lon=0", 404),
        ("/api/v1/explain/heat/{id}?pollutant=nox&lat=40.7&lon=-74&size=3", 404),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_problem(place: Place, path: str, status: int) -> None:
    answer = place.client.get(path.format(id=place.open.id))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_guest_sees_nothing_of_what_is_not_public(place: Place) -> None:
    hidden = place.closed.id
    for path in (
        f"/api/v1/results/{hidden}/map",
        f"/api/v1/results/{hidden}/ships?at=2020-06-30T00:30:00Z",
        f"/api/v1/results/{hidden}/tiles/tracks/0/0/0.mvt",
        f"/api/v1/results/{hidden}/tiles/heat/0/0/0.mvt",
        f"/api/v1/explain/heat/{hidden}?pollutant=nox&lat=40.7&lon=-74.05",
    ):
        assert place.client.get(path).status_code == 404, path
    assert hidden not in place.client.get("/api/v1/overview/map").text
    assert place.tile("tracks", *HARBOUR, result=place.closed).status_code == 404


def test_the_map_tells_what_it_shows(place: Place) -> None:
    view = place.client.get("/api/v1/overview/map").json()
    assert view["day"] == "2020-06-30"
    assert (view["begins_at"], view["ends_at"]) == ("2020-06-30T00:00:00Z", "2020-07-01T00:00:00Z")
    assert view["at"] == "2020-06-30T00:50:00Z"
    assert view["simulated"] is False
    (result,) = view["results"]
    assert result["tracks"].endswith("/tiles/tracks/{z}/{x}/{y}.mvt")
    assert {legend["pollutant"] for legend in result["legends"]} >= {"nox", "co2"}
    ports = {port["unlocode"]: port for port in view["ports"]}
    assert ports["USNYC"]["rank"] == 1
    assert ports["JPYOK"]["name"] == "Yokohama"
    # Lines are continuous and lie round the Pacific.
    assert view["links"]
    for link in view["links"]:
        lons = [lon for lon, _ in link["line"]]
        assert max(abs(b - a) for a, b in itertools.pairwise(lons)) < 60
    assert any(max(lon for lon, _ in link["line"]) > 180 for link in view["links"])
    assert view["stays_in_all"] == len(view["stays"]) > 0


def test_lines_without_unwrapping_would_jump(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from sealane.web.tiles import view as views

    views._great_circle.cache_clear()
    monkeypatch.setattr(views, "unwrapped", lambda lat, lon: tuple(zip(lon.tolist(), lat.tolist(), strict=True)))
    lons = [lon for lon, _ in views.great_circle("USLAX", "JPYOK")]
    views._great_circle.cache_clear()
    assert max(abs(b - a) for a, b in itertools.pairwise(lons)) > 300


def test_ships_are_rows_with_their_age(place: Place) -> None:
    answer = place.client.get(f"/api/v1/results/{place.open.id}/ships", params={"at": "2020-06-30T00:30:00Z"}).json()
    assert answer["present"] == len(answer["ships"]) > 5
    for ship in answer["ships"]:
        assert ship["reported_at"] <= "2020-06-30T00:30:00Z"
        assert ship["age_s"] >= 0
        assert -75 < ship["lon"] < -73
    before = place.client.get(f"/api/v1/results/{place.open.id}/ships", params={"at": "2020-06-29T00:00:00Z"}).json()
    assert (before["present"], before["ships"]) == (0, [])


def test_a_cell_leads_to_the_cells_it_is_the_sum_of(place: Place) -> None:
    path = f"/api/v1/explain/heat/{place.open.id}"
    whole = place.client.get(path, params={"pollutant": "nox", "lat": 40.5, "lon": -74.5, "size": 100}).json()
    assert len(whole["parts"]) > 5
    total = sum(part["figure"]["value"] for part in whole["parts"])
    assert whole["figure"]["value"] == pytest.approx(total, rel=1e-12)
    part = whole["parts"][0]["figure"]
    assert place.client.get("/api/v1" + part["explain"]).json()["figure"]["value"] == part["value"]


def test_land_comes_as_it_was_packed(place: Place) -> None:
    path = "/api/v1/map/land/3/1/3.mvt"
    packed = place.client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    plain = place.client.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert decode(plain.content)["land"]
    assert packed.content == plain.content
    assert gzip.compress(plain.content) != plain.content


def test_the_pages_say_the_same_in_words(place: Place) -> None:
    table = place.client.get("/overview/map", headers={"Accept": "text/html"})
    assert table.status_code == 200, table.text[:500]
    view = place.client.get("/api/v1/overview/map").json()
    for word in (view["stays"][0]["zone"], "Yokohama", view["links"][0]["title"].split()[0]):
        assert word in table.text
    ships = place.client.get(f"/results/{place.open.id}/ships?at=2020-06-30T00:30:00Z", headers={"Accept": "text/html"})
    assert ships.status_code == 200
    assert ships.text.count("<tr>") > 5
    explained = place.client.get(f"/explain/heat/{place.open.id}?pollutant=nox&lat=40.5&lon=-74.5&size=100")
    assert explained.status_code == 200


def test_a_result_without_tracks_says_how_to_keep_them(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "TRACKS", "none.parquet")
    refused = place.tile("tracks", *HARBOUR)
    assert refused.status_code == 404
    assert "--tracks" in refused.json()["remedy"]
    view = place.client.get(f"/api/v1/results/{place.open.id}/map").json()
    assert view["results"][0]["tracks"] is None
    assert view["preparing"] is False


def test_a_damaged_layer_is_made_again(place: Place) -> None:
    folder = kept.layer_folder(place.node, place.open)
    kept._opened.cache_clear()
    (folder / "about.json").write_text("{}", encoding="utf-8")
    assert place.tile("tracks", *HARBOUR).status_code == 200


def test_damaged_tracks_do_not_keep_the_map_from_being_shown(place: Place) -> None:
    tracks, layer = place.open.folder / kept.TRACKS, kept.layer_folder(place.node, place.open)
    content = tracks.read_bytes()
    shutil.rmtree(layer, ignore_errors=True)
    kept._opened.cache_clear()
    tracks.write_bytes(content[:1000])
    try:
        view = place.client.get("/api/v1/overview/map").json()
        assert view["results"][0]["tracks"] is None
        assert view["preparing"] is False
        refused = place.tile("tracks", *HARBOUR)
        assert refused.status_code == 404
        assert refused.json()["type"].endswith("damaged-tracks")
        assert str(place.node.folder) not in refused.text
    finally:
        tracks.write_bytes(content)
    assert place.tile("tracks", *HARBOUR).status_code == 200


def test_while_the_layer_is_made_the_answer_says_when_to_ask_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = kept.layer_folder(place.node, place.open)
    (folder / "about.json").unlink()
    kept._opened.cache_clear()
    monkeypatch.setattr(kept, "_begin", lambda *_: _Never())
    answer = place.tile("tracks", *HARBOUR)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "3"
    assert place.client.get(f"/api/v1/results/{place.open.id}/map").json()["preparing"] is True
    monkeypatch.undo()
    assert place.tile("tracks", *HARBOUR).status_code == 200


def test_layers_are_made_before_they_are_asked_for_and_go_with_their_result(place: Place) -> None:
    gone = place.node.folder / kept.FOLDER / "00000000-0000-0000-0000-000000000000"
    gone.mkdir(parents=True)
    layer = kept.layer_folder(place.node, place.closed)
    shutil.rmtree(layer, ignore_errors=True)
    prepare(place.node)
    assert (layer / "about.json").is_file()
    assert not gone.exists()


class _Never:
    def result(self, _: float) -> None:
        raise TimeoutError


def test_tiles_of_all_zooms_in_the_harbour_are_small(place: Place) -> None:
    for z in range(15):
        tile = Tile(z, 301 * (1 << z) // 1024, 385 * (1 << z) // 1024)
        assert len(place.tile("tracks", tile.z, tile.x, tile.y).content) < 500_000
