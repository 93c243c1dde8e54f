"""Loads a function app as the Python worker does: imports it, finds the app object, lists its functions."""

import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import azure.functions as func

from infra.local.errors import StartError

SCRIPT = "function_app"


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the app: its trigger, and the handler with the parameter that the trigger fills."""

    name: str
    trigger: Any
    handler: Callable[..., Any]
    parameter: str

    @property
    def trigger_type(self) -> str:
        """The binding type, such as `httpTrigger`."""
        return str(self.trigger.type)


def load_application(directory: Path) -> func.FunctionApp:
    """Import `function_app.py` of the folder and return its app object.

    Whatever the module raises at import passes through. Raises StartError when there is no such file, or
    not exactly one app object in it.
    """
    path = directory / f"{SCRIPT}.py"
    if not path.is_file():
        raise StartError(f"There is no {path.name} in {directory}.")
    return find_application(_import_script(path))


def find_application(module: ModuleType) -> func.FunctionApp:
    """Return the one FunctionApp at the top level of the module."""
    found = {id(value): value for value in vars(module).values() if isinstance(value, func.FunctionApp)}
    if len(found) != 1:
        raise StartError(f"{module.__name__} must define exactly one FunctionApp; it defines {len(found)}.")
    return next(iter(found.values()))


def list_functions(application: func.FunctionApp) -> list[Function]:
    """Describe every function that the app has registered."""
    return [_describe(registered) for registered in application.get_functions()]


def _import_script(path: Path) -> ModuleType:
    # The worker puts the app's folder first on the path, so that the script can import its neighbours.
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(SCRIPT, path)
    if spec is None or spec.loader is None:
        raise StartError(f"{path} cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[SCRIPT] = module
    spec.loader.exec_module(module)
    return module


def _describe(registered: Any) -> Function:
    name = registered.get_function_name()
    trigger = registered.get_trigger()
    _refuse_what_is_not_stood_in_for(name, registered)
    handler = registered.get_user_function()
    parameters = inspect.signature(handler).parameters
    if trigger.name not in parameters:
        raise StartError(f"Function {name} has no parameter {trigger.name!r}, which its trigger fills.")
    unbound = [
        parameter.name
        for parameter in parameters.values()
        if parameter.default is parameter.empty and parameter.name != trigger.name
    ]
    if unbound:
        raise StartError(f"Function {name} has parameters that no binding fills: {', '.join(unbound)}.")
    return Function(name, trigger, handler, trigger.name)


def _refuse_what_is_not_stood_in_for(name: str, registered: Any) -> None:
    """Refuse bindings and retries that a function would have in Azure and not here. Raises StartError."""
    trigger = registered.get_trigger()
    for binding in registered.get_bindings():
        if binding is not trigger and binding.type != "http":
            raise StartError(f"Function {name} has a binding unknown to the local host: {binding.type}.")
    if trigger.type == "timerTrigger" and registered.get_setting("retry_policy"):
        raise StartError(f"Function {name} has a retry policy, which the local host does not know.")
