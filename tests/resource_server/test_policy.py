"""Who may do what with a dataset: the contract's table written out, and what must hold on any world."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_server.policy import (
    Access,
    Action,
    DatasetFacts,
    Decision,
    Mode,
    Reason,
    Share,
    Subject,
    bearer,
    decide,
    narrowed_to,
    person,
)
from resource_server.principal import Principal

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
ACTIONS: tuple[Action, ...] = get_args(Action)
EXISTING = tuple(action for action in ACTIONS if action != "create")
ALL_SCOPES = frozenset({"datasets:read", "datasets:modify", "datasets:share"})
ENDED, ENDLESS = NOW, None
LATER = NOW + timedelta(seconds=1)


def dataset(mode: Mode = "restricted", owner: str = "olga", company_id: str = "acme") -> DatasetFacts:
    return DatasetFacts(id="d1", company_id=company_id, mode=mode, owner=owner)


def caller(**changes: object) -> Principal:
    claims: dict[str, object] = {
        "sub": "ada",
        "client_id": "portal",
        "scopes": ALL_SCOPES,
        "expires_at": 0,
        "company_id": "acme",
        "roles": frozenset({"member"}),
        **changes,
    }
    return Principal(**claims)  # type: ignore[arg-type]


# One row: action, mode, what the subject holds on the dataset; then the answer for viewer, member, data_owner, admin.
TABLE: list[tuple[Action, Mode, str, list[Reason | None]]] = [
    ("read", "company", "nothing", [None, None, None, None]),
    ("read", "company", "ended share", [None, None, None, None]),
    ("read", "company", "read share", [None, None, None, None]),
    ("read", "company", "modify share", [None, None, None, None]),
    ("read", "company", "ownership", [None, None, None, None]),
    ("modify", "company", "nothing", ["role", None, None, None]),
    ("modify", "company", "ended share", ["role", None, None, None]),
    ("modify", "company", "read share", ["role", None, None, None]),
    ("modify", "company", "modify share", ["role", None, None, None]),
    ("modify", "company", "ownership", ["role", None, None, None]),
    ("read", "restricted", "nothing", ["dataset", "dataset", "dataset", "dataset"]),
    ("read", "restricted", "ended share", ["dataset", "dataset", "dataset", "dataset"]),
    ("read", "restricted", "read share", [None, None, None, None]),
    ("read", "restricted", "modify share", [None, None, None, None]),
    ("read", "restricted", "ownership", [None, None, None, None]),
    ("modify", "restricted", "nothing", ["role", "dataset", "dataset", "dataset"]),
    ("modify", "restricted", "ended share", ["role", "dataset", "dataset", "dataset"]),
    ("modify", "restricted", "read share", ["role", "dataset", "dataset", "dataset"]),
    ("modify", "restricted", "modify share", ["role", None, None, None]),
    ("modify", "restricted", "ownership", ["role", None, None, None]),
    ("share", "company", "nothing", ["role", "dataset", None, None]),
    ("share", "company", "ended share", ["role", "dataset", None, None]),
    ("share", "company", "read share", ["role", "dataset", None, None]),
    ("share", "company", "modify share", ["role", "dataset", None, None]),
    ("share", "company", "ownership", ["role", None, None, None]),
    ("share", "restricted", "nothing", ["role", "dataset", None, None]),
    ("share", "restricted", "ended share", ["role", "dataset", None, None]),
    ("share", "restricted", "read share", ["role", "dataset", None, None]),
    ("share", "restricted", "modify share", ["role", "dataset", None, None]),
    ("share", "restricted", "ownership", ["role", None, None, None]),
    ("delete", "company", "nothing", ["role", "dataset", None, None]),
    ("delete", "company", "ended share", ["role", "dataset", None, None]),
    ("delete", "company", "read share", ["role", "dataset", None, None]),
    ("delete", "company", "modify share", ["role", "dataset", None, None]),
    ("delete", "company", "ownership", ["role", None, None, None]),
    ("delete", "restricted", "nothing", ["role", "dataset", None, None]),
    ("delete", "restricted", "ended share", ["role", "dataset", None, None]),
    ("delete", "restricted", "read share", ["role", "dataset", None, None]),
    ("delete", "restricted", "modify share", ["role", "dataset", None, None]),
    ("delete", "restricted", "ownership", ["role", None, None, None]),
]
SHARES = {
    "nothing": None,
    "ended share": Share("modify", ENDED),
    "read share": Share("read", LATER),
    "modify share": Share("modify", ENDLESS),
    "ownership": None,
}


@pytest.mark.parametrize(("action", "mode", "holds", "answers"), TABLE)
def test_table(action: Action, mode: Mode, holds: str, answers: list[Reason | None]) -> None:
    facts = dataset(mode, owner="ada" if holds == "ownership" else "olga")
    for role, reason in zip(("viewer", "member", "data_owner", "admin"), answers, strict=True):
        by_token = bearer(caller(roles=frozenset({role})), "acme")
        for subject in (by_token, person("ada", [role])):
            decision = decide(subject, action, facts, share=SHARES[holds], now=NOW)
            assert (role, reason, reason is None) == (role, decision.reason, decision.allowed)


@pytest.mark.parametrize(
    ("roles", "reason"),
    [({"viewer"}, "role"), ({"member"}, None), ({"data_owner"}, None), ({"admin"}, None), (set(), "company")],
)
def test_create(roles: set[str], reason: Reason | None) -> None:
    principal = caller(roles=frozenset(roles))
    assert reason == decide(bearer(principal, principal.company_id), "create", None, now=NOW).reason


def test_only_create_is_about_no_dataset() -> None:
    for action, facts in (("create", dataset()), ("read", None)):
        with pytest.raises(ValueError, match="but create"):
            decide(person("ada", ["admin"]), action, facts, now=NOW)


def test_share_is_over_at_its_second() -> None:
    for end, reason in ((NOW, "dataset"), (NOW + timedelta(microseconds=1), None), (ENDLESS, None)):
        assert reason == decide(person("ada", ["member"]), "read", dataset(), share=Share("read", end), now=NOW).reason


def test_foreign_company_comes_first() -> None:
    """Whatever else is wrong or right: a stranger learns nothing about the dataset."""
    for principal in (caller(), caller(scopes=frozenset()), caller(roles=frozenset({"admin"}), sub="olga")):
        for action in EXISTING:
            subject = bearer(principal, "globex")
            decision = decide(subject, action, dataset("company", company_id="globex"), now=NOW)
            assert "company" == decision.reason


def test_token_for_all_companies_may_do_everything_but_create() -> None:
    principal = caller(company_id=None, companies={"acme": frozenset({"admin"}), "globex": frozenset({"viewer"})})

    for action in EXISTING:
        assert decide(bearer(principal, "acme"), action, dataset("company"), now=NOW).allowed
    assert "role" == decide(bearer(principal, "globex"), "modify", dataset("company"), now=NOW).reason
    assert "company" == decide(bearer(principal, "initech"), "read", dataset("company"), now=NOW).reason
    assert "company" == decide(bearer(principal, principal.company_id), "create", None, now=NOW).reason


def test_roles_of_the_operator_act_only_as_mapped() -> None:
    mapping = {"archivist": "data_owner"}
    by_token = bearer(caller(roles=frozenset({"archivist"})), "acme", mapping=mapping)

    assert "role" == decide(person("ada", ["archivist"]), "read", dataset("company"), now=NOW).reason
    assert decide(person("ada", ["archivist"], mapping=mapping), "share", dataset(), now=NOW).allowed
    assert decide(by_token, "share", dataset(), now=NOW).allowed


@pytest.mark.parametrize(
    ("action", "scope"),
    [("read", "datasets:read"), ("modify", "datasets:modify"), ("create", "datasets:modify"),
     ("delete", "datasets:modify"), ("share", "datasets:share")],
)  # fmt: skip
def test_scopes_are_exact_and_none_implies_another(action: Action, scope: str) -> None:
    facts = None if action == "create" else dataset(owner="ada")
    alone = bearer(caller(scopes=frozenset({scope})), "acme")
    others = bearer(caller(scopes=ALL_SCOPES - {scope} | {"datasets", "datasets:*", scope.upper()}), "acme")

    assert decide(alone, action, facts, now=NOW).allowed
    assert "scope" == decide(others, action, facts, now=NOW).reason


def test_order_of_reasons() -> None:
    narrow = [{"type": "dataset", "identifiers": ["another"]}]
    worst = {"roles": frozenset({"viewer"}), "scopes": frozenset[str](), "authorization_details": narrow}
    better = {**worst, "roles": frozenset({"member"})}
    found = [
        decide(bearer(caller(**worst), "globex"), "modify", dataset(company_id="globex"), now=NOW),
        decide(bearer(caller(**worst), "acme"), "modify", dataset(), now=NOW),
        decide(bearer(caller(**better), "acme"), "modify", dataset(), now=NOW),
        decide(bearer(caller(**better), "acme"), "modify", dataset("company"), now=NOW),
        decide(bearer(caller(**better | {"scopes": ALL_SCOPES}), "acme"), "modify", dataset("company"), now=NOW),
    ]
    assert ["company", "role", "dataset", "scope", "authorization_details"] == [decision.reason for decision in found]
    assert all(["company", "role", "dataset", "scope", "authorization_details"] == layers(found) for found in found)


def layers(decision: Decision) -> list[str]:
    return [layer.layer for layer in decision.layers]


def test_others_are_judged_without_a_token() -> None:
    assert ["company", "role", "dataset"] == layers(decide(person("ada", ["viewer"]), "read", dataset(), now=NOW))


def test_details_name_nobody() -> None:
    for action in EXISTING:
        for layer in decide(bearer(caller(sub="canary"), "acme"), action, dataset(owner="canary2"), now=NOW).layers:
            assert "" != layer.detail
            assert "canary" not in layer.detail


HERE = "https://data.example"
DETAILS: list[tuple[str, list[dict[str, object]], set[Action]]] = [
    ("nothing at all", [], set()),
    ("another type", [{"type": "payment", "actions": ["read"]}], set()),
    ("one action", [{"type": "dataset", "actions": ["read"]}], {"read"}),
    ("each action", [{"type": "dataset", "actions": ["read", "modify", "share", "delete"]}],
     {"read", "modify", "share", "delete"}),
    ("no action", [{"type": "dataset", "actions": []}], set()),
    ("an action that is none", [{"type": "dataset", "actions": ["READ", "*"]}], set()),
    ("actions left open", [{"type": "dataset"}], {"read", "modify", "share", "delete"}),
    ("this dataset", [{"type": "dataset", "actions": ["read"], "identifiers": ["d0", "d1"]}], {"read"}),
    ("another dataset", [{"type": "dataset", "actions": ["read"], "identifiers": ["d0", "D1", "d1 "]}], set()),
    ("no dataset", [{"type": "dataset", "actions": ["read"], "identifiers": []}], set()),
    ("this resource", [{"type": "dataset", "actions": ["read"], "locations": ["https://x.example", HERE]}], {"read"}),
    ("another resource", [{"type": "dataset", "actions": ["read"], "locations": [HERE + "/"]}], set()),
    ("entries add up", [{"type": "dataset", "actions": ["read"]},
                        {"type": "dataset", "actions": ["modify"], "identifiers": ["d1"]},
                        {"type": "dataset", "actions": ["share"], "identifiers": ["d0"]}], {"read", "modify"}),
    ("entries do not mix", [{"type": "dataset", "actions": ["read"], "identifiers": ["d0"]},
                            {"type": "dataset", "actions": ["modify"], "identifiers": ["d1"]}], {"modify"}),
    ("other types beside", [{"type": "payment"}, {"type": "dataset", "actions": ["read"]}], {"read"}),
    ("actions as text", [{"type": "dataset", "actions": "read"}], set()),
    ("identifiers as text", [{"type": "dataset", "actions": ["read"], "identifiers": "d1"}], set()),
    ("locations as text", [{"type": "dataset", "actions": ["read"], "locations": HERE}], set()),
    ("an identifier that is a list", [{"type": "dataset", "actions": ["read"], "identifiers": [["d1"], "d1"]}], set()),
    ("null", [{"type": "dataset", "actions": None}], set()),
    ("a limit that is not understood", [{"type": "dataset", "actions": ["read"], "rows": 10}], set()),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "allowed"), [row[1:] for row in DETAILS], ids=[row[0] for row in DETAILS])
def test_authorization_details_narrow(entries: list[dict[str, object]], allowed: set[Action]) -> None:
    """RFC 9396; what is not understood allows nothing."""
    subject = bearer(caller(authorization_details=tuple(entries)), "acme", location=HERE)
    for action in EXISTING:
        decision = decide(subject, action, dataset(owner="ada"), now=NOW)
        assert (action, None if action in allowed else "authorization_details") == (action, decision.reason)


def test_authorization_details_never_widen() -> None:
    everything = ({"type": "dataset", "actions": list(ACTIONS), "identifiers": ["d1"]},)
    subject = bearer(caller(roles=frozenset({"viewer"}), authorization_details=everything), "acme", location=HERE)

    assert "role" == decide(subject, "modify", dataset("company"), now=NOW).reason
    assert "dataset" == decide(subject, "read", dataset(), now=NOW).reason


def test_create_needs_an_entry_that_is_about_no_dataset_in_particular() -> None:
    for entry, reason in (
        ({"type": "dataset", "actions": ["create"]}, None),
        ({"type": "dataset", "actions": ["create"], "identifiers": ["d1"]}, "authorization_details"),
        ({"type": "dataset", "actions": ["modify"]}, "authorization_details"),
    ):
        subject = bearer(caller(authorization_details=(entry,)), "acme", location=HERE)
        assert reason == decide(subject, "create", None, now=NOW).reason


def test_lists_are_narrowed_by_the_same_rule() -> None:
    reading = {"type": "dataset", "actions": ["read"]}
    entries = ({**reading, "identifiers": ["d1", "d2"]}, {**reading, "identifiers": ["d3"]})

    assert narrowed_to(None, "read", HERE) is None
    assert {"d1", "d2", "d3"} == narrowed_to(entries, "read", HERE)
    assert frozenset() == narrowed_to(entries, "modify", HERE)
    assert narrowed_to((*entries, {"type": "dataset"}), "read", HERE) is None


roles = st.frozensets(st.sampled_from(["viewer", "member", "data_owner", "admin", "archivist"]))
modes = st.sampled_from(get_args(Mode))
actions = st.sampled_from(EXISTING)
people = st.sampled_from(["ada", "olga"])
scopes = st.none() | st.frozensets(st.sampled_from(sorted(ALL_SCOPES)))
ends = st.none() | st.integers(-2, 2).map(lambda seconds: NOW + timedelta(seconds=seconds))
shares = st.none() | st.builds(Share, st.sampled_from(get_args(Access)), ends)


@given(roles, roles, people, scopes, actions, modes, shares)
def test_another_role_never_takes_a_right_away(
    held: frozenset[str], more: frozenset[str], sub: str, scopes: frozenset[str] | None, action: Action, mode: Mode,
    share: Share | None,
) -> None:  # fmt: skip
    fewer, richer = (Subject(sub=sub, roles=roles, scopes=scopes) for roles in (held, held | more))

    if decide(fewer, action, dataset(mode), share=share, now=NOW).allowed:
        assert decide(richer, action, dataset(mode), share=share, now=NOW).allowed


@given(roles, people, actions, modes, shares)
def test_share_never_takes_a_right_away_and_never_gives_more_than_it_says(
    roles: frozenset[str], sub: str, action: Action, mode: Mode, share: Share | None
) -> None:
    subject = person(sub, roles)
    without = decide(subject, action, dataset(mode), now=NOW)
    shared = decide(subject, action, dataset(mode), share=share, now=NOW)

    assert shared.allowed or not without.allowed
    if shared.allowed and not without.allowed:
        assert share is not None
        assert share.live(NOW)
        assert action == "read" or (action, share.access) == ("modify", "modify")


@given(roles, people, actions, modes, shares)
def test_share_never_helps_a_foreign_company(
    roles: frozenset[str], sub: str, action: Action, mode: Mode, share: Share | None
) -> None:
    principal = caller(sub=sub, roles=roles, company_id="globex")
    assert "company" == decide(bearer(principal, "acme"), action, dataset(mode), share=share, now=NOW).reason


@given(roles, people, scopes, actions, modes, shares)
def test_token_never_gives_more_than_the_person_may(
    roles: frozenset[str], sub: str, scopes: frozenset[str] | None, action: Action, mode: Mode, share: Share | None
) -> None:
    by_token = decide(Subject(sub=sub, roles=roles, scopes=scopes), action, dataset(mode), share=share, now=NOW)
    assert not by_token.allowed or decide(person(sub, roles), action, dataset(mode), share=share, now=NOW).allowed
