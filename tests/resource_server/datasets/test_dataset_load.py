"""`dataset-service load`: datasets from a file, by the names that people know."""

import tomllib
from pathlib import Path

import psycopg
import pytest
from dataset_world import HYDRO, World

from local_postgres import Database
from resource_server.datasets.load import load
from resource_server.datasets.settings import Refused

EXAMPLES = Path(__file__).parents[3] / "examples"
ONE = """
[[dataset]]
company = "kvitberg-hydro"
owner = "kari"
name = "Levels"
mode = "restricted"
media_type = "text/csv"
file = "levels.csv"
[[dataset.share]]
user = "NOOR@example.org"
access = "modify"
"""


@pytest.fixture
def owner_world(dataset_database: Database, world: World):
    """The service as `load` runs it: as the schema's owner."""
    loading = World(dataset_database.owner)
    yield loading
    loading.service.database.engine.dispose()


def write(folder: Path, text: str) -> Path:
    (folder / "levels.csv").write_text("date,level\n")
    file = folder / "datasets.toml"
    file.write_text(text)
    return file


def test_a_dataset_arrives_whole(world: World, owner_world: World, tmp_path: Path) -> None:
    """With owner, content and share; a second time nothing happens, and what people changed stays."""
    file = write(tmp_path, ONE)
    assert ["+ dataset kvitberg-hydro/Levels"] == list(load(owner_world.service, file))
    kari, noor = world.person("kari", HYDRO), world.person("noor", HYDRO)
    (found,) = (kari.get("/datasets").json or {})["items"]

    assert ("sub-kari", "restricted", "text/csv", 11) == tuple(
        found[name] for name in ("owner", "mode", "media_type", "size")
    )
    got = noor.get(f"/datasets/{found['id']}/content")
    assert b"date,level\n" == got.data
    got.close()
    assert 200 == noor.put(f"/datasets/{found['id']}", {"description": "by Noor"}).status_code
    assert [] == list(load(owner_world.service, file))
    assert "by Noor" == (kari.get(f"/datasets/{found['id']}").json or {})["description"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("kvitberg-hydro", "atlantis"), "no company"),
        (('"kari"', '"tom"'), "no member"),
        (("NOOR", "nobody"), "no member"),
        (("Levels", "a\\u202eb"), "dataset.0.name"),
        (("levels.csv", "other.csv"), "other.csv"),
        (('file = "levels.csv"', ""), "either content or file"),
        (("[[dataset.share]]", "[[dataset.shares]]"), "dataset.0.shares"),
        (("[[dataset]]", "[[dataset"), "datasets.toml"),
    ],
)
def test_a_wrong_file_says_where(owner_world: World, tmp_path: Path, change: tuple[str, str], words: str) -> None:
    with pytest.raises(Refused, match=words):
        list(load(owner_world.service, write(tmp_path, ONE.replace(*change))))


def test_the_examples_name_people_of_the_demo_world(owner_world: World, dataset_database: Database) -> None:
    """`examples/datasets.toml` loads in the world that `examples/demo.toml` declares."""
    demo = tomllib.loads((EXAMPLES / "demo.toml").read_text())
    slugs = {"north-sea-energy": 1, "kvitberg-hydro": 2, "tradewind-gas": 3}
    for company, number in slugs.items():
        owner_world.idp.members[f"{number:08d}-0000-7000-8000-000000000000"] = {
            f"sub-{user['username']}": {
                "sub": f"sub-{user['username']}",
                "username": user["username"],
                "name": user["name"],
                "email": user["email"],
                "roles": user["companies"][company],
                "suspended": False,
            }
            for user in demo["user"]
            if company in user.get("companies", {})
        }
    lines = list(load(owner_world.service, EXAMPLES / "datasets.toml"))

    assert 12 <= len(lines)
    with psycopg.connect(dataset_database.owner) as owner:
        companies = owner.execute("SELECT count(DISTINCT company_id), min(size) > 0 FROM datasets.dataset").fetchone()
    assert (3, True) == companies
