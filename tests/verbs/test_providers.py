"""Provider packages."""

from __future__ import annotations

from orchestration.services import providers


def test_those_whose_imports_work_are_listed_by_name():
    names = [found.package for found in providers.all_provided()]
    assert names == sorted(names)
    assert {"apache-airflow-providers-http", "apache-airflow-providers-common-sql"} <= set(names)
    assert all(found.description and found.version for found in providers.all_provided())
