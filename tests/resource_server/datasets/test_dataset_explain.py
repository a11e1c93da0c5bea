"""Who has access and why: `explain`, and AuthZEN."""

from typing import Any
from uuid import uuid4

import pytest
from dataset_world import AUDIENCE, GAS, HYDRO, OWN_CLIENT, WIND, Person, World
from sqlalchemy import event

EVALUATION = "/access/v1/evaluation"


def test_explain_shows_every_layer(world: World) -> None:
    """About oneself with the token's own layers, in the order of the decision."""
    ines, jonas = world.person("ines"), world.person("jonas")
    identifier = ines.create(mode="restricted")
    found = jonas.get(f"/datasets/{identifier}/explain?action=modify&sub=sub-jonas").json

    assert found is not None
    assert (False, "role", None) == (found["allowed"], found["reason"], found["share"])
    assert [
        ("company", True),
        ("role", False),
        ("dataset", False),
        ("scope", True),
        ("authorization_details", True),
    ] == [(layer["layer"], layer["allowed"]) for layer in found["layers"]]
    assert all(layer["detail"] for layer in found["layers"])
    assert found == jonas.get(f"/datasets/{identifier}/explain?action=modify").json


def test_explain_about_others_is_for_who_may_share(world: World) -> None:
    """It shows their share, ended or not, and asks the IdP for their roles now."""
    ines, ada, mette = world.person("ines"), world.person("ada"), world.person("mette")
    identifier = ines.create(mode="restricted")
    ines.share(identifier, "jonas", "modify", expires_at="2027-01-15T08:00:10Z")
    path = f"/datasets/{identifier}/explain?sub=sub-jonas&action="

    assert 403 == mette.get(f"{path}read").status_code
    for who in (ines, ada):
        read, modify = (who.get(path + action).json or {} for action in ("read", "modify"))
        assert (True, None, "modify") == (read["allowed"], read["reason"], read["share"]["access"])
        assert (False, "role") == (modify["allowed"], modify["reason"])
        assert ["company", "role", "dataset"] == [layer["layer"] for layer in read["layers"]]
    world.now += 10
    ended = ines.get(f"{path}read").json or {}
    assert (False, "dataset", "modify") == (ended["allowed"], ended["reason"], ended["share"]["access"])
    for stranger in ("sub-gone", "sub-kari", "sub-nobody"):
        found = ines.get(f"/datasets/{identifier}/explain?sub={stranger}&action=read").json or {}
        assert (False, "company") == (found["allowed"], found["reason"])


@pytest.mark.parametrize("query", ["", "action=create", "action=read&action=read", "action=read&sub=", "action="])
def test_explain_refuses_bad_parameters(world: World, query: str) -> None:
    ines = world.person("ines")

    assert 400 == ines.get(f"/datasets/{ines.create()}/explain?{query}").status_code


def question(sub: str, action: str, identifier: str) -> dict[str, Any]:
    return {
        "subject": {"type": "user", "id": sub},
        "action": {"name": action},
        "resource": {"type": "dataset", "id": identifier},
    }


def ask(who: Person, sub: str, action: str, identifier: str) -> object:
    answer = who.post(EVALUATION, question(sub, action, identifier))
    assert 200 == answer.status_code, answer.text
    return answer.json


def test_evaluation_answers_with_its_reason(world: World) -> None:
    ines = world.person("ines")
    identifier = ines.create(mode="restricted")
    ines.share(identifier, "jonas", "modify")

    assert {"decision": True, "context": {}} == ask(ines, "sub-ines", "delete", identifier)
    assert {"decision": True, "context": {}} == ask(ines, "sub-jonas", "read", identifier)
    assert {"decision": False, "context": {"reason": "role"}} == ask(ines, "sub-jonas", "modify", identifier)
    assert {"decision": False, "context": {"reason": "dataset"}} == ask(ines, "sub-mette", "read", identifier)
    assert {"decision": False, "context": {"reason": "company"}} == ask(ines, "sub-kari", "read", identifier)


def test_evaluation_of_what_is_foreign_equals_that_of_nothing(world: World) -> None:
    foreign = world.person("ines").create()
    nothing = str(uuid4())
    for who, sub in ((world.person("tom", GAS), "sub-tom"), (world.machine("gas-robot", GAS), "sub-ines")):
        answers = [ask(who, sub, "read", identifier) for identifier in (foreign, nothing, "x")]
        assert [{"decision": False, "context": {"reason": "company"}}] * 3 == answers


def test_who_may_ask_about_others(world: World) -> None:
    """Who may share it, a machine client of the company, and the service's own client everywhere."""
    identifier = world.person("ines").create()
    hydro = world.person("kari", HYDRO).create()
    robot, service = world.machine("wind-robot"), world.machine(OWN_CLIENT, None)

    refused = world.person("mette").post(EVALUATION, question("sub-ada", "read", identifier))
    assert (403, "dataset") == (refused.status_code, (refused.json or {})["reason"])
    assert {"decision": True, "context": {}} == ask(world.person("mette"), "sub-mette", "modify", identifier)
    assert {"decision": True, "context": {}} == ask(robot, "sub-ada", "share", identifier)
    assert {"decision": False, "context": {"reason": "company"}} == ask(robot, "sub-kari", "read", hydro)
    assert {"decision": True, "context": {}} == ask(service, "sub-ada", "share", identifier)
    assert {"decision": True, "context": {}} == ask(service, "sub-kari", "read", hydro)
    assert {"decision": False, "context": {"reason": "company"}} == ask(service, "sub-tom", "read", hydro)
    assert 404 == service.get(f"/datasets/{identifier}").status_code


def test_somebody_named_like_the_service_is_not_it(world: World) -> None:
    """Only its own client, acting for itself, asks for all companies."""
    hydro = world.person("kari", HYDRO).create()
    through = world.person("ines", client_id=OWN_CLIENT)

    assert {"decision": False, "context": {"reason": "company"}} == ask(through, "sub-kari", "read", hydro)


def test_questions_about_others_need_the_share_scope(world: World) -> None:
    identifier = world.person("ines").create()
    reader = world.person("ines", scope="datasets:read")
    refused = reader.post(EVALUATION, question("sub-mette", "read", identifier))

    assert (403, "scope") == (refused.status_code, (refused.json or {})["reason"])
    assert 'scope="datasets:share"' in refused.headers["WWW-Authenticate"]
    assert {"decision": False, "context": {"reason": "scope"}} == ask(reader, "sub-ines", "modify", identifier)


def test_a_client_needs_the_scope_too(world: World) -> None:
    """And about oneself it takes the one for reading, whatever is asked."""
    identifier = world.person("ines").create()
    reader = world.machine("wind-robot", scope="datasets:read")
    writer = world.person("ines", scope="datasets:modify datasets:share")
    for who, sub, scope in ((reader, "sub-ines", "datasets:share"), (writer, "sub-ines", "datasets:read")):
        refused = who.post(EVALUATION, question(sub, "modify", identifier))
        assert (403, "scope") == (refused.status_code, (refused.json or {})["reason"])
        assert f'scope="{scope}"' in refused.headers["WWW-Authenticate"]


def test_a_narrowed_token_asks_no_further_than_it_reaches(world: World) -> None:
    """RFC 9396: `authorization_details` that allow to share one dataset answer for that one."""
    one, other = world.person("ines").create("one"), world.person("ines").create("other")
    detail = {"type": "dataset", "actions": ["share"], "identifiers": [one]}
    for who in (world.machine("wind-robot", authorization_details=[detail]), world.machine(OWN_CLIENT, None)):
        assert {"decision": True, "context": {}} == ask(who, "sub-ines", "read", one)
    narrow = world.machine("wind-robot", authorization_details=[detail])
    refused = narrow.post(EVALUATION, question("sub-ines", "read", other))

    assert (403, "authorization_details") == (refused.status_code, (refused.json or {})["reason"])


def test_properties_and_context_never_widen(world: World) -> None:
    ines = world.person("ines")
    identifier = ines.create(mode="restricted")
    asked = question("sub-mette", "read", identifier)
    asked["subject"]["properties"] = {"roles": ["admin"], "company_id": WIND}
    asked["resource"]["properties"] = {"mode": "company", "owner": "sub-mette"}
    asked["context"] = {"roles": ["admin"], "time": "1999-01-01T00:00:00Z"}

    assert {"decision": False, "context": {"reason": "dataset"}} == ines.post(EVALUATION, asked).json


def test_evaluations_share_what_they_have_in_common(world: World) -> None:
    """AuthZEN §7: defaults, order, and denial of the one question that may not be asked."""
    mette = world.person("mette")
    own, other = mette.create("own"), world.person("ines").create("other", mode="restricted")
    body = {
        "subject": {"type": "user", "id": "sub-mette"},
        "action": {"name": "read"},
        "evaluations": [
            {"resource": {"type": "dataset", "id": own}},
            {"resource": {"type": "dataset", "id": other}},
            {"resource": {"type": "dataset", "id": own}, "subject": {"type": "user", "id": "sub-jonas"}},
            {"resource": {"type": "dataset", "id": other}, "subject": {"type": "user", "id": "sub-jonas"}},
        ],
    }
    found = mette.post("/access/v1/evaluations", body, headers={"X-Request-ID": "r-1"})

    assert "r-1" == found.headers["X-Request-ID"]
    error = {"status": 403, "message": "you may not ask this"}
    everything = [
        {"decision": True, "context": {}},
        {"decision": False, "context": {"reason": "dataset"}},
        {"decision": True, "context": {}},
        {"decision": False, "context": {"reason": "dataset", "error": error}},
    ]
    assert {"evaluations": everything} == found.json
    for semantic, count in {"deny_on_first_deny": 2, "permit_on_first_permit": 1, "execute_all": 4}.items():
        some = mette.post("/access/v1/evaluations", {**body, "options": {"evaluations_semantic": semantic}})
        assert {"evaluations": everything[:count]} == some.json
    single = mette.post("/access/v1/evaluations", question("sub-mette", "read", own))
    assert {"decision": True, "context": {}} == single.json


def test_200_questions_cost_as_many_statements_as_one(world: World) -> None:
    ines = world.person("ines")
    identifiers = [ines.create(str(number)) for number in range(20)]
    counted: list[str] = []
    event.listen(
        world.service.database.engine, "before_cursor_execute", lambda _c, _cursor, sql, *_rest: counted.append(sql)
    )
    costs = []
    for many in (1, 200):
        counted.clear()
        asked = [question("sub-mette", "read", identifiers[number % 20]) for number in range(many)]
        answer = ines.post("/access/v1/evaluations", {"evaluations": asked})
        assert [True] * many == [one["decision"] for one in (answer.json or {})["evaluations"]]
        costs.append(len(counted))

    assert [3, 3] == costs
    too_many = {"evaluations": [question("sub-mette", "read", identifiers[0])] * 201}
    assert 400 == ines.post("/access/v1/evaluations", too_many).status_code


def test_asking_about_many_people_ends_after_3_seconds(world: World) -> None:
    """Where the IdP takes 40 ms for each; answers are remembered, so that trying again leads to the end."""
    identifier, robot = world.person("ines").create(), world.machine("wind-robot")
    asked = {"evaluations": [question(f"sub-{number}", "read", identifier) for number in range(200)]}
    fetch, start = world.idp.fetch, world.now
    robot.get("/datasets")

    def slow(url: str, **arguments: Any) -> tuple[int, bytes]:
        world.now += 0.04
        return fetch(url, **arguments)

    world.service.directory._fetch = slow
    took, statuses = [], []
    for _ in range(4):
        began = world.now
        answer = robot.post("/access/v1/evaluations", asked)
        took.append(world.now - began)
        statuses.append(answer.status_code)
        world.now += float(answer.headers.get("Retry-After", 0))

    assert [503, 503, 200, 200] == statuses
    assert all(seconds < 3.1 for seconds in took)
    assert world.now - start < 12


@pytest.mark.parametrize(
    "change",
    [
        {"subject": None},
        {"subject": {"type": "robot", "id": "x"}},
        {"subject": {"type": "user"}},
        {"subject": {"type": "user", "id": ""}},
        {"subject": {"type": "user", "id": 7}},
        {"subject": {"type": "user", "id": "a\x00"}},
        {"action": {"name": "create"}},
        {"action": "read"},
        {"resource": {"type": "file", "id": "x"}},
        {"resource": []},
    ],
)
def test_a_bad_question_is_refused(world: World, change: dict[str, object]) -> None:
    for path in (EVALUATION, "/access/v1/evaluations"):
        answer = world.person("ines").post(path, {**question("sub-ines", "read", "x"), **change})
        assert (400, "application/problem+json") == (answer.status_code, answer.content_type)


def test_the_configuration_says_where_to_ask(world: World) -> None:
    assert {
        "policy_decision_point": AUDIENCE,
        "access_evaluation_endpoint": f"{AUDIENCE}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{AUDIENCE}/access/v1/evaluations",
    } == world.app.test_client().get("/.well-known/authzen-configuration").json
