"""Which function answers a path: the rules of ASP.NET Core's route templates."""

import pytest

from infra.local.errors import StartError
from infra.local.host.routing import Found, Router, shadowed_routes


def router(*templates: str) -> Router:
    """A router whose functions are named like their templates and answer GET."""
    made = Router()
    for template in templates:
        made.add_route(template, template, ["GET"])
    return made


def test_a_literal_is_taken_before_a_parameter() -> None:
    found = router("users/{user}", "users/opt-in").find_route("GET", "/users/opt-in")
    assert found == Found("users/opt-in", {})


def test_a_mixed_segment_is_taken_before_a_parameter() -> None:
    found = router("o/{anything}", "o/{token}.gif").find_route("GET", "/o/abc.gif")
    assert found == Found("o/{token}.gif", {"token": "abc"})


def test_a_catch_all_is_taken_last_and_takes_the_rest() -> None:
    routes = router("files/{*rest}", "files/{id}")
    assert routes.find_route("GET", "/files/1") == Found("files/{id}", {"id": "1"})
    assert routes.find_route("GET", "/files/a/b.txt") == Found("files/{*rest}", {"rest": "a/b.txt"})


def test_a_catch_all_matches_nothing_at_all_too() -> None:
    assert router("files/{*rest}").find_route("GET", "/files") == Found("files/{*rest}", {})


def test_literals_match_in_any_case_and_values_keep_theirs() -> None:
    assert router("Api/Orgs/{org}").find_route("GET", "/aPI/orgs/AcMe") == Found("Api/Orgs/{org}", {"org": "AcMe"})


def test_text_around_a_parameter_matches_in_any_case_too() -> None:
    assert router("o/{token}.gif").find_route("GET", "/o/AbC.GIF") == Found("o/{token}.gif", {"token": "AbC"})
    assert router("o/{token}.gif").find_route("GET", "/o/abc.png") is None


def test_a_parameter_is_never_empty() -> None:
    routes = router("o/{token}.gif", "c/{token}")
    assert routes.find_route("GET", "/o/.gif") is None
    assert routes.find_route("GET", "/c/") is None


def test_values_are_percent_decoded_but_for_the_slash() -> None:
    routes = router("c/{token}/{name}")
    found = routes.find_route("GET", "/c/a%2Fb/caf%C3%A9%20+%252F")
    assert found == Found("c/{token}/{name}", {"token": "a%2Fb", "name": "café +%2F"})


def test_bytes_that_are_no_text_are_left_as_they_came() -> None:
    assert router("c/{token}").find_route("GET", "/c/%FF") == Found("c/{token}", {"token": "%FF"})


def test_a_slash_at_the_end_does_not_matter() -> None:
    assert router("api/health").find_route("GET", "/api/health/") == Found("api/health", {})


def test_functions_share_a_route_by_method() -> None:
    routes = Router()
    routes.add_route("read", "p/{token}", ["GET", "HEAD"])
    routes.add_route("write", "p/{id}", ["POST"])
    assert routes.find_route("HEAD", "/p/1") == Found("read", {"token": "1"})
    assert routes.find_route("POST", "/p/1") == Found("write", {"id": "1"})
    assert routes.find_route("PUT", "/p/1") is None


def test_a_less_exact_route_answers_when_the_more_exact_one_has_not_the_method() -> None:
    routes = Router()
    routes.add_route("opt_in", "users/opt-in", ["POST"])
    routes.add_route("user", "users/{user}", ["GET"])
    assert routes.find_route("GET", "/users/opt-in") == Found("user", {"user": "opt-in"})


def test_a_function_without_methods_answers_all_of_them() -> None:
    routes = Router()
    routes.add_route("all", "x", [])
    assert routes.find_route("DELETE", "/x") == Found("all", {})


def test_the_same_route_twice_stops_the_start() -> None:
    routes = Router()
    routes.add_route("one", "users/{id}", ["GET"])
    with pytest.raises(StartError, match="one and two have the same route"):
        routes.add_route("two", "Users/{user}", ["GET", "PUT"])


@pytest.mark.parametrize("template", ["x/{id:int}", "x/{*rest}/y", "x/{id?}", "x/{id", "x/{a}.{b}", "x/{*a}.gif"])
def test_a_template_that_cannot_be_read_stops_the_start(template: str) -> None:
    with pytest.raises(StartError, match="Function broken"):
        Router().add_route("broken", template, ["GET"])


def test_it_tells_where_azure_would_choose_by_name() -> None:
    routes = Router()
    routes.add_route("a_user", "users/{user}", ["GET"])
    routes.add_route("b_recent", "users/recent", ["GET"])
    [(taken, meant)] = shadowed_routes(routes.routes)
    assert (taken.function_name, meant.function_name) == ("a_user", "b_recent")


def test_names_that_sort_well_or_other_methods_shadow_nothing() -> None:
    routes = Router()
    routes.add_route("a_recent", "users/recent", ["GET"])
    routes.add_route("b_user", "users/{user}", ["GET"])
    routes.add_route("c_all", "users/all", ["PUT"])
    routes.add_route("d_longer", "users/recent/today", ["GET"])
    routes.add_route("e_rest", "files/{*rest}", ["GET"])
    assert shadowed_routes(routes.routes) == []


def test_a_catch_all_whose_name_sorts_first_shadows_longer_routes() -> None:
    routes = Router()
    routes.add_route("a_rest", "files/{*rest}", ["GET"])
    routes.add_route("b_one", "files/{folder}/{name}", ["GET"])
    [(taken, meant)] = shadowed_routes(routes.routes)
    assert (taken.function_name, meant.function_name) == ("a_rest", "b_one")
