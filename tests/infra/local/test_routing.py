"""Which function answers a path: the rules of ASP.NET Core's route templates."""

import pytest

from infra.local.errors import StartError
from infra.local.routing import Found, Router, shadowed_routes


def router(*templates: str) -> Router:
    """A router whose functions are named like their templates and answer GET."""
    made = Router()
    for template in templates:
        made.add(template, template, ["GET"])
    return made


def test_a_literal_is_taken_before_a_parameter() -> None:
    found = router("users/{user}", "users/opt-in").find("GET", "/users/opt-in")
    assert found == Found("users/opt-in", {})


def test_a_mixed_segment_is_taken_before_a_parameter() -> None:
    found = router("o/{anything}", "o/{token}.gif").find("GET", "/o/abc.gif")
    assert found == Found("o/{token}.gif", {"token": "abc"})


def test_a_constrained_parameter_is_taken_before_a_free_one() -> None:
    routes = router("n/{name}", "n/{id:int}")
    assert routes.find("GET", "/n/12") == Found("n/{id:int}", {"id": "12"})
    assert routes.find("GET", "/n/twelve") == Found("n/{name}", {"name": "twelve"})


def test_a_catch_all_is_taken_last_and_takes_the_rest() -> None:
    routes = router("files/{*rest}", "files/{id}")
    assert routes.find("GET", "/files/1") == Found("files/{id}", {"id": "1"})
    assert routes.find("GET", "/files/a/b.txt") == Found("files/{*rest}", {"rest": "a/b.txt"})


def test_a_catch_all_matches_nothing_at_all_too() -> None:
    assert router("files/{*rest}").find("GET", "/files") == Found("files/{*rest}", {})


def test_an_optional_parameter_may_be_missing() -> None:
    routes = router("cards/{id?}")
    assert routes.find("GET", "/cards") == Found("cards/{id?}", {})
    assert routes.find("GET", "/cards/7") == Found("cards/{id?}", {"id": "7"})


def test_literals_match_in_any_case_and_values_keep_theirs() -> None:
    assert router("Api/Orgs/{org}").find("GET", "/aPI/orgs/AcMe") == Found("Api/Orgs/{org}", {"org": "AcMe"})


def test_a_mixed_segment_gives_the_first_parameter_all_it_can_take() -> None:
    assert router("{name}.{ext}").find("GET", "/a.tar.gz") == Found("{name}.{ext}", {"name": "a.tar", "ext": "gz"})


def test_a_parameter_is_never_empty() -> None:
    routes = router("o/{token}.gif", "c/{token}")
    assert routes.find("GET", "/o/.gif") is None
    assert routes.find("GET", "/c/") is None


def test_values_are_percent_decoded_but_for_the_slash() -> None:
    routes = router("c/{token}/{name}")
    found = routes.find("GET", "/c/a%2Fb/caf%C3%A9%20+%252F")
    assert found == Found("c/{token}/{name}", {"token": "a%2Fb", "name": "café +%2F"})


def test_bytes_that_are_no_text_are_left_as_they_came() -> None:
    assert router("c/{token}").find("GET", "/c/%FF") == Found("c/{token}", {"token": "%FF"})


def test_a_slash_at_the_end_does_not_matter() -> None:
    assert router("api/health").find("GET", "/api/health/") == Found("api/health", {})


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        ("int", "-12", "1.5"),
        ("guid", "0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b"),
        ("alpha", "abcXYZ", "abc1"),
        ("bool", "True", "yes"),
        ("length(3)", "abc", "ab"),
        ("minlength(2)", "ab", "a"),
        ("maxlength(2)", "ab", "abc"),
        ("alpha:minlength(2)", "ab", "a1"),
    ],
)
def test_a_constraint_decides(constraint: str, good: str, bad: str) -> None:
    routes = router(f"x/{{value:{constraint}}}")
    assert isinstance(routes.find("GET", f"/x/{good}"), Found)
    assert routes.find("GET", f"/x/{bad}") is None


def test_functions_share_a_route_by_method() -> None:
    routes = Router()
    routes.add("read", "p/{token}", ["GET", "HEAD"])
    routes.add("write", "p/{id}", ["POST"])
    assert routes.find("HEAD", "/p/1") == Found("read", {"token": "1"})
    assert routes.find("POST", "/p/1") == Found("write", {"id": "1"})
    assert routes.find("PUT", "/p/1") is None


def test_a_less_exact_route_answers_when_the_more_exact_one_has_not_the_method() -> None:
    routes = Router()
    routes.add("opt_in", "users/opt-in", ["POST"])
    routes.add("user", "users/{user}", ["GET"])
    assert routes.find("GET", "/users/opt-in") == Found("user", {"user": "opt-in"})


def test_a_function_without_methods_answers_all_of_them() -> None:
    routes = Router()
    routes.add("all", "x", [])
    assert routes.find("DELETE", "/x") == Found("all", {})


def test_the_same_route_twice_stops_the_start() -> None:
    routes = Router()
    routes.add("one", "users/{id}", ["GET"])
    with pytest.raises(StartError, match="one and two have the same route"):
        routes.add("two", "Users/{user}", ["GET", "PUT"])


@pytest.mark.parametrize("template", ["x/{id:prime}", "x/{*rest}/y", "x/{id?}/y", "x/{id", "x/{a}{b}", "x/{a?}.gif"])
def test_a_template_that_cannot_be_read_stops_the_start(template: str) -> None:
    with pytest.raises(StartError, match="Function broken"):
        Router().add("broken", template, ["GET"])


def test_it_tells_where_azure_would_choose_by_name() -> None:
    routes = Router()
    routes.add("a_user", "users/{user}", ["GET"])
    routes.add("b_recent", "users/recent", ["GET"])
    [(taken, meant)] = shadowed_routes(routes.routes)
    assert (taken.function_name, meant.function_name) == ("a_user", "b_recent")


def test_names_that_sort_well_or_other_methods_shadow_nothing() -> None:
    routes = Router()
    routes.add("a_recent", "users/recent", ["GET"])
    routes.add("b_user", "users/{user}", ["GET"])
    routes.add("c_all", "users/all", ["PUT"])
    routes.add("d_longer", "users/recent/today", ["GET"])
    assert shadowed_routes(routes.routes) == []
