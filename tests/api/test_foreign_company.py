"""Generated: every route about a company, with the token of another company's admin."""

import re

from actors import PUBLIC_URL

VALUES = {"sub": ["sub-ada", "sub-cy", "nobody"]}


def filled(rule, company):
    """The rule's paths for a company, one for each value of its other parameters."""
    values = {"company": [company], **VALUES}
    paths = [""]
    for position, part in enumerate(re.split(r"<(?:\w+:)?(\w+)>", rule.rule)):
        paths = [path + chosen for path in paths for chosen in (values[part] if position % 2 else [part])]
    return paths


def test_another_company_answers_as_none_at_all(app, askers, place):
    """Whatever the route and method: 404, and byte for byte what a company that does not exist answers."""
    foreign = [askers.person("cy"), askers.person("dee", company="south"), askers.person("cy", company="*")]
    machine = askers.machine("southern", company_id=place.south.id, roles=["admin"])
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/") and "company" in rule.arguments]
    assert rules

    for caller in (*foreign, machine):
        for rule in rules:
            for method in sorted(rule.methods - {"OPTIONS"}):
                for name in (str(place.north.id), "north"):
                    there, nowhere = (ask(caller, method, rule, company) for company in (name, "nowhere"))
                    assert {404} == {answer.status_code for answer in there}
                    assert [answer.data for answer in nowhere] == [answer.data for answer in there]
                    assert [sorted(answer.headers) for answer in nowhere] == [
                        sorted(answer.headers) for answer in there
                    ]


def ask(caller, method, rule, company):
    return [
        caller.http.open(path, method=method, headers=caller.headers, base_url=PUBLIC_URL)
        for path in filled(rule, company)
    ]
