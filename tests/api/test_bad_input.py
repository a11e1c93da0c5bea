"""Whatever is sent: an answer that the description knows, never a failure of ours."""

import string
from urllib.parse import quote, quote_from_bytes

import pytest
from actors import PUBLIC_URL
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

text = st.text(max_size=60)
raw = st.binary(max_size=60).map(quote_from_bytes)
value = st.one_of(
    text.map(quote), raw, st.integers().map(str), st.sampled_from(["", "%00", "%", "%zz", "+", "a=b", "&"])
)
name = st.one_of(st.sampled_from(["q", "limit", "cursor", "Q", "limit[]"]), text.map(quote))
queries = st.lists(st.tuples(name, value), max_size=5).map(lambda pairs: "&".join(f"{n}={v}" for n, v in pairs))
segment = st.one_of(
    st.sampled_from(["north", "nowhere", "sub-bo", "*", ".", "..", "%2F", "%00", "NORTH", "0" * 300]),
    text.map(quote),
    raw,
)
accepts = st.one_of(
    st.sampled_from(["application/json", "*/*"]),
    st.text(string.printable.replace("\r", "").replace("\n", ""), max_size=40),
)
bounded = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def ada(askers, place):
    return askers.person("ada")


def answered(caller, url, accept="*/*"):
    response = caller.http.get(url, headers={**caller.headers, "Accept": accept}, base_url=PUBLIC_URL)
    assert response.status_code < 500, url
    if response.status_code >= 400:
        assert "application/problem+json" == response.mimetype
        assert response.status_code == response.json["status"]
    return response


@given(query=queries)
@bounded
def test_any_query_of_the_members(ada, query):
    assert answered(ada, f"/api/v1/companies/north/members?{query}").status_code in (200, 400, 414)


@given(query=queries, accept=accepts)
@bounded
def test_any_query_of_the_companies(ada, query, accept):
    answer = answered(ada, f"/api/v1/me/companies?{query}", accept.encode("latin-1", "replace").decode("latin-1"))
    assert answer.status_code in (200, 400)


@given(company=segment, sub=segment)
@bounded
def test_any_company_and_subject(ada, company, sub):
    for url in (f"/api/v1/companies/{company}/members", f"/api/v1/companies/{company}/members/{sub}"):
        assert answered(ada, url).status_code in (200, 308, 400, 404, 414)


@pytest.mark.parametrize("query", ["q=%00", "q=%ff", "cursor=%ed%a0%80", "q=a%00b", "%00=1", "q=" + "x" * 201])
def test_what_no_parameter_can_be(ada, query):
    """NUL, what is no UTF-8, and what is longer than anything that could be found."""
    assert 400 == answered(ada, f"/api/v1/companies/north/members?{query}").status_code


def test_too_many_and_too_long(ada):
    assert 400 == answered(ada, "/api/v1/companies/north/members?" + "&".join("q=1" for _ in range(101))).status_code
    assert 414 == answered(ada, "/api/v1/companies/north/members?q=" + "x" * 9000).status_code


def test_the_longest_search_is_taken(ada):
    assert 200 == answered(ada, "/api/v1/companies/north/members?q=" + "%F0%9F%8C%8A" * 200).status_code
