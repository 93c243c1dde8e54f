"""Paths under `/api` that no other function answers: a problem document, or the methods that a path has."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence

import azure.functions as func

from functions.api.table import TableRow, methods_of
from functions.loading import LoadServices
from functions.resources.api_document import ROUTES

_ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_ORGANIZATION = re.compile(r"api/orgs/([^/]+)", re.IGNORECASE)
_PARAMETER = re.compile(r"(\{\*?\w+\})")


def blueprint(
    rows: Sequence[TableRow], load_endpoints: Callable[[], Awaitable[object]], load_services: LoadServices
) -> func.Blueprint:
    """Register the function `zz_unknown_path`, for what matches none of the endpoints.

    The Functions host tries routes in the order of the functions' names, hence this one's. It matches methods like
    paths: a path with another method comes here, too.
    """
    routes: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        routes[row.route].update(methods_of(row.method))
    for route in ROUTES:
        routes[route].update(methods_of("GET"))
    known = {_pattern(route): frozenset(methods) for route, methods in routes.items()}
    triggers = func.Blueprint()

    @triggers.function_name("zz_unknown_path")
    @triggers.route("api/{*rest}", methods=_ALL_METHODS, auth_level=func.AuthLevel.ANONYMOUS)
    async def zz_unknown_path(req: func.HttpRequest) -> func.HttpResponse:
        await load_endpoints()
        services = await load_services()
        from functions.api.cors import cors_headers, preflight_headers  # imported by now
        from functions.api.problems import Problem, problem_answer

        path = f"api/{req.route_params.get('rest', '')}"
        methods, organization = _methods_of_path(known, path), _organization_of_path(path)
        cors = await cors_headers(services, req, organization)
        if not methods:
            detail = "There is nothing at this path. GET /api/docs describes what there is."
            problem = Problem(404, detail, headers=cors, code="unknown_path")
            return problem_answer(problem, services.settings.base_url)
        allowed = ", ".join(sorted({*methods, "OPTIONS"}))
        if req.method == "OPTIONS":
            headers = await preflight_headers(services, req, organization, allowed)
            return func.HttpResponse(status_code=204, headers={"Allow": allowed, **headers})
        detail = f"This path takes {allowed}, not {req.method}."
        problem = Problem(405, detail, headers={"Allow": allowed, **cors})
        return problem_answer(problem, services.settings.base_url)

    return triggers


def _pattern(route: str) -> re.Pattern[str]:
    parts = [_pattern_of_part(part) for part in _PARAMETER.split(route)]
    return re.compile(f"{''.join(parts)}/?", re.IGNORECASE)


def _pattern_of_part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return ".*" if part.startswith("{*") else "[^/]+"


def _organization_of_path(path: str) -> str:
    """Find the organization that a path names; an empty text where it names none."""
    found = _ORGANIZATION.match(path)
    return found[1] if found else ""


def _methods_of_path(known: Mapping[re.Pattern[str], frozenset[str]], path: str) -> frozenset[str]:
    """Find the methods that a path has; none where it is unknown."""
    return frozenset().union(*(methods for pattern, methods in known.items() if pattern.fullmatch(path)))
