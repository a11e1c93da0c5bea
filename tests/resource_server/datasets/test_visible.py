"""The list's SQL predicate equals `policy.decide`, on random worlds."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from dataset_world import AUDIENCE, NOW, World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from resource_server import Principal
from resource_server.datasets.dataset import facts, share_facts
from resource_server.datasets.models import Dataset, Share
from resource_server.datasets.visible import Query, page
from resource_server.policy import bearer, decide

MOMENT = datetime.fromtimestamp(NOW, UTC)
COMPANIES, PEOPLE = ["c1", "c2", "c3"], ["p1", "p2"]
IDS = [UUID(int=number) for number in range(1, 6)]
ROLES = st.frozensets(st.sampled_from(["viewer", "member", "data_owner", "admin", "analyst", "janitor"]), max_size=2)
DATASETS = st.fixed_dictionaries(
    {
        "company_id": st.sampled_from(COMPANIES),
        "mode": st.sampled_from(["company", "restricted"]),
        "owner": st.sampled_from([*PEOPLE, "p3"]),
        "shares": st.dictionaries(
            st.sampled_from(PEOPLE),
            st.tuples(st.sampled_from(["read", "modify"]), st.sampled_from([None, -1, 0, 1])),
        ),
    }
)
DETAILS = st.none() | st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["dataset", "other"])},
        optional={
            "actions": st.lists(st.sampled_from(["read", "modify"]), max_size=2),
            "identifiers": st.lists(st.sampled_from([*map(str, IDS), "x", str(IDS[0]).upper(), "{}"]), max_size=3),
            "locations": st.lists(st.sampled_from([AUDIENCE, "https://other.example"]), max_size=2),
            "privileges": st.just(["admin"]),
        },
    ),
    max_size=2,
)


@st.composite
def principals(draw: st.DrawFn) -> Principal:
    several = draw(st.booleans())
    return Principal(
        sub=draw(st.sampled_from(PEOPLE)),
        client_id="portal",
        scopes=frozenset({"datasets:read"}),
        expires_at=NOW + 300,
        company_id=None if several else draw(st.none() | st.sampled_from(COMPANIES)),
        roles=frozenset() if several else draw(ROLES),
        companies=draw(st.dictionaries(st.sampled_from(COMPANIES), ROLES)) if several else None,
        authorization_details=(details := draw(DETAILS)) and tuple(details),
    )


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(rows=st.lists(DATASETS, max_size=len(IDS)), principal=principals())
def test_the_list_is_what_decide_allows(world: World, rows: list[Mapping], principal: Principal) -> None:
    service = replace(world.service, settings=world.settings.model_copy(update={"roles": {"analyst": "viewer"}}))
    with service.database.transaction(COMPANIES) as session:
        session.execute(delete(Dataset))
        for identifier, row in zip(IDS, rows, strict=False):
            session.add(a_dataset(identifier, row))
            session.flush()
            session.add_all(shares(identifier, row))
    expected = set()
    with service.database.transaction(COMPANIES) as session:
        for dataset in session.scalars(select(Dataset)):
            share = session.get(Share, (dataset.id, principal.sub))
            subject = bearer(principal, dataset.company_id, location=AUDIENCE, mapping=service.settings.roles)
            if decide(subject, "read", facts(dataset), share=share_facts(share), now=MOMENT).allowed:
                expected.add(dataset.id)

    assert expected == {dataset.id for dataset in page(service, principal, Query()).items}


def a_dataset(identifier: UUID, row: Mapping) -> Dataset:
    return Dataset(
        id=identifier,
        company_id=row["company_id"],
        name="name",
        description="",
        mode=row["mode"],
        owner=row["owner"],
        media_type="text/plain",
        size=0,
        digest=b"",
        created_at=MOMENT,
        updated_at=MOMENT,
    )


def shares(identifier: UUID, row: Mapping) -> list[Share]:
    return [
        Share(
            dataset_id=identifier,
            sub=sub,
            company_id=row["company_id"],
            access=access,
            expires_at=None if end is None else MOMENT + timedelta(seconds=end),
            given_by="p3",
            created_at=MOMENT,
        )
        for sub, (access, end) in row["shares"].items()
    ]
