"""Whether an object is what its API takes, by the schemas of Kubernetes' releases and of the CRDs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pydantic

from .conftest import Object

RELEASES = ("1.30", kubernetes_validate.latest_version())
"""The oldest release that has all that is used (preStop's sleep), and the newest."""


class NotTaken(Exception):
    """An object that its API would refuse, or whose fields it would drop."""


def check(thing: Object) -> None:
    """Raise NotTaken unless an object fits its API's schema and has no field that this does not know."""
    if thing["apiVersion"].startswith(("keda.sh/", "monitoring.coreos.com/")):
        check_custom(thing)
        return
    for release in RELEASES:
        try:
            kubernetes_validate.validate(thing, release, strict=True)
        except kubernetes_validate.ValidationError as error:
            raise NotTaken(f"{thing['kind']}: {error.message}") from error


def check_custom(thing: Object) -> None:
    """Likewise for a custom resource, by the models that are made of its CRD."""
    from cloudcoil.models.keda import v1alpha1 as keda
    from cloudcoil.models.prometheus_operator import v1 as operator

    models: dict[str, type[pydantic.BaseModel]] = {
        "keda.sh/v1alpha1 ScaledObject": keda.ScaledObject,
        "monitoring.coreos.com/v1 ServiceMonitor": operator.ServiceMonitor,
        "monitoring.coreos.com/v1 PrometheusRule": operator.PrometheusRule,
    }
    model = models[f"{thing['apiVersion']} {thing['kind']}"]
    try:
        known = model.model_validate(thing).model_dump(mode="json", by_alias=True, exclude_unset=True)
    except pydantic.ValidationError as error:
        raise NotTaken(str(error)) from error
    lost = sorted(set(paths(thing)) - set(paths(known)))
    if lost:
        raise NotTaken(f"{thing['kind']} has no {lost}")


def paths(value: Any, start: str = "") -> Iterator[str]:
    """The ways to all fields of a value."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield f"{start}.{key}"
            yield from paths(one, f"{start}.{key}")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from paths(one, f"{start}[{number}]")
