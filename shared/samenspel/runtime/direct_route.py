"""A route without FastAPI's solving of parameters, which takes longer than a decision.

The route is declared, documented and matched as every other route. Only the call is direct: the dependencies of the
route and of its routers run one after another, then the endpoint, then the response is sent.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager
from inspect import isasyncgenfunction
from typing import Any, Final

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, _get_scope_effective_route_context
from starlette.types import Receive, Scope, Send

RouteDependency = Callable[..., Any]
"""A coroutine function, or a generator function for a dependency that ends after the response."""
ONLY_REQUEST: Final = "a dependency of a direct route takes the request or nothing"
_OTHER_PARAMETERS: Final = (
    *("path_params", "query_params", "header_params", "cookie_params", "body_params", "dependencies"),
    *("websocket_param_name", "http_connection_param_name", "response_param_name", "background_tasks_param_name"),
    "security_scopes_param_name",
)


class DirectRoute(APIRoute):
    """A route whose dependencies and endpoint are coroutines with the request as parameter.

    The endpoint takes the values of its own dependencies too. Raises TypeError at the first request to a route with
    other parameters.
    """

    _calls: dict[RouteDependency, tuple[str | None, RouteDependency]] | None = None

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request. Dependencies end when the response is sent."""
        if scope["method"] not in (self.methods or ()):
            return await super().handle(scope, receive, send)
        if self._calls is None:
            context = _get_scope_effective_route_context(scope)
            self._calls = _calls_of(context.dependant if context else self.dependant)
        request = Request(scope, receive, send)
        values: dict[str, Any] = {}
        async with AsyncExitStack() as stack:
            for name, call in self._calls.values():
                value = call(request)
                value = await (stack.enter_async_context(value) if hasattr(value, "__aenter__") else value)
                if name is not None:
                    values[name] = value
            response = await self.endpoint(request=request, **values)
            await response(scope, receive, send)


def _calls_of(route: Dependant) -> dict[RouteDependency, tuple[str | None, RouteDependency]]:
    """The dependencies in order, those of the routers first, each once; with the endpoint's name for its value."""
    calls: dict[RouteDependency, tuple[str | None, RouteDependency]] = {}
    for each in route.dependencies:
        if each.call is None or any(getattr(each, name) for name in _OTHER_PARAMETERS):
            raise TypeError(f"{ONLY_REQUEST}: {each.call}")
        name, _ = calls.get(each.call, (None, None))
        calls[each.call] = each.name or name, _with_request(each)
    return calls


def _with_request(dependency: Dependant) -> RouteDependency:
    """The dependency as a function of the request."""
    assert dependency.call is not None
    opened = asynccontextmanager(dependency.call) if isasyncgenfunction(dependency.call) else dependency.call
    return opened if dependency.request_param_name else lambda request: opened()
