"""The factories build rows that the tables accept."""

from __future__ import annotations

import inspect

import pytest
from factory.django import DjangoModelFactory

from tests import factories

ALL = [
    value
    for _, value in inspect.getmembers(factories, inspect.isclass)
    if issubclass(value, DjangoModelFactory) and value is not DjangoModelFactory
]


@pytest.mark.django_db
@pytest.mark.parametrize("factory", ALL)
def test_each_factory_makes_two_rows_side_by_side(factory):
    first, second = factory(), factory()
    assert first.pk is not None
    assert first.pk != second.pk


@pytest.mark.django_db
def test_a_run_has_the_instances_of_its_graph():
    dag = factories.make_dag("a >> b")
    run = factories.make_run(dag, {"a": "success"})
    assert factories.states_of(run) == {"a": "success", "b": ""}
