"""What a parser found, written into the tables."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError

from orchestration import models
from orchestration.authoring.dag import DAG
from orchestration.authoring.datasets import Dataset, DatasetAlias
from orchestration.authoring.operators.empty import EmptyOperator
from orchestration.dagfiles.protocol import ParsedDag, ParseResult
from orchestration.dagfiles.shape import digests
from orchestration.dagfiles.sync import Syncer, forget_missing
from orchestration.models import versions
from orchestration.serialization.encode import encode_dag
from orchestration.states import DagRunState, DagRunType
from tests.factories import DagRunFactory, PoolFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
START = datetime(2025, 5, 1, tzinfo=UTC)
FILE = "/dags/file.py"


def dag_of(dag_id="dag", tasks="a >> b", outlets=(), pool="default_pool", owner="me", **kwargs) -> DAG:
    kwargs.setdefault("schedule", None)
    with DAG(dag_id, start_date=kwargs.pop("start_date", START), **kwargs) as dag:
        previous = None
        for name in tasks.split(" >> "):
            task = EmptyOperator(task_id=name, pool=pool, owner=owner, outlets=list(outlets))
            if previous is not None:
                previous >> task
            previous = task
    return dag


def parsed(dag, path=FILE, upcoming=None) -> ParsedDag:
    dag.fileloc = path
    document = encode_dag(dag)
    shape, digest = digests(document)
    return ParsedDag(document, shape, digest, upcoming)


def result_of(*dags, path=FILE, errors=None, source="# dag", **kwargs) -> ParseResult:
    return ParseResult(
        path,
        dags=[dag if isinstance(dag, ParsedDag) else parsed(dag, path) for dag in dags],
        errors=errors or {},
        sources={path: source},
        **kwargs,
    )


@pytest.fixture(autouse=True)
def _default_pool():
    PoolFactory(name="default_pool")


@pytest.fixture
def sync():
    syncer = Syncer()

    def apply(*dags, now=NOW, **kwargs):
        return syncer.apply(result_of(*dags, **kwargs), root="/dags", now=now)

    return apply


def the_dag(dag_id="dag") -> models.Dag:
    return models.Dag.objects.get(pk=dag_id)


def test_a_new_dag_gets_a_row_a_version_and_its_source(sync):
    applied = sync(
        dag_of(
            description="What it does",
            schedule="0 6 * * *",
            catchup=True,
            tags=["x", "y"],
            max_active_runs=3,
            max_active_tasks=4,
            dag_display_name="Shown",
            owner_links={"me": "https://example.com/me"},
        )
    )
    assert (applied.dags, applied.errors, applied.new_versions) == (1, 0, 1)
    row = the_dag()
    assert (row.fileloc, row.processor_subdir) == (FILE, "/dags")
    assert (row.description, row.dag_display_name, row.owners) == ("What it does", "Shown", "me")
    assert (row.is_active, row.is_paused, row.has_import_errors) == (True, True, False)
    assert row.schedule_interval == {"__type": "CronExpression", "value": "0 6 * * *"}
    assert (row.timetable_summary, row.timetable_description) == ("0 6 * * *", "At 06:00")
    assert (row.max_active_runs, row.max_active_tasks) == (3, 4)
    assert row.last_parsed_at == NOW
    assert row.next_dagrun == datetime(2025, 5, 1, 6, tzinfo=UTC)
    assert row.next_dagrun_create_after == datetime(2025, 5, 2, 6, tzinfo=UTC)
    assert (row.next_dagrun_data_interval_start, row.next_dagrun_data_interval_end) == (
        row.next_dagrun,
        row.next_dagrun_create_after,
    )
    assert [tag.name for tag in row.tags.all()] == ["x", "y"]
    assert [(link.owner, link.link) for link in row.owner_links.all()] == [("me", "https://example.com/me")]
    assert row.source.text == "# dag"
    assert (row.current_version.number, row.current_version.source) == (1, row.source)
    assert list(versions.current("dag").tasks) == ["a", "b"]


@pytest.mark.parametrize(
    ("option", "argument", "paused"),
    [("True", None, True), ("False", None, False), ("True", False, False), ("False", True, True)],
)
def test_a_new_dag_starts_paused_as_it_says_or_as_the_option_says(sync, monkeypatch, option, argument, paused):
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION", option)
    sync(dag_of(is_paused_upon_creation=argument))
    assert the_dag().is_paused is paused


def test_a_second_parse_leaves_the_switches_of_people_alone(sync):
    sync(dag_of())
    models.Dag.objects.update(is_paused=False)
    sync(dag_of(is_paused_upon_creation=True, description="new"), now=NOW + timedelta(minutes=1))
    row = the_dag()
    assert (row.is_paused, row.description) == (False, "new")
    assert row.last_parsed_at == NOW + timedelta(minutes=1)


def test_an_equal_parse_makes_no_version_and_renews_none(sync):
    sync(dag_of())
    before = models.DagVersion.objects.get()
    assert sync(dag_of(), now=NOW + timedelta(minutes=1)).new_versions == 0
    assert models.DagVersion.objects.get().updated_at == before.updated_at


@pytest.mark.parametrize(
    "change",
    [
        {"tasks": "a >> b >> c"},
        {"tasks": "b >> a"},
    ],
)
def test_another_shape_makes_a_version(sync, change):
    sync(dag_of())
    assert sync(dag_of(**change)).new_versions == 1
    assert the_dag().current_version.number == 2
    assert models.DagVersion.objects.count() == 2


@pytest.mark.parametrize(
    "change",
    [
        {"description": "other"},
        {"start_date": START + timedelta(seconds=1)},
        {"owner": "you"},
        {"schedule": "@daily"},
        {"tags": ["z"]},
    ],
)
def test_any_other_change_renews_the_version(sync, change):
    sync(dag_of())
    later = NOW + timedelta(minutes=1)
    assert sync(dag_of(**change), now=later).new_versions == 0
    version = models.DagVersion.objects.get()
    assert (version.number, version.updated_at) == (1, later)


def test_a_new_syncer_knows_what_is_stored(sync):
    sync(dag_of())
    later = NOW + timedelta(minutes=1)
    Syncer().apply(result_of(dag_of()), root="/dags", now=later)
    assert models.DagVersion.objects.get().updated_at == NOW


def test_a_shape_that_comes_back_is_the_version_it_was(sync):
    for tasks in ("a", "b", "a"):
        sync(dag_of(tasks=tasks))
    assert the_dag().current_version.number == 1
    assert models.DagVersion.objects.count() == 2


def test_shapes_made_by_chance_do_not_fill_the_table_but_runs_keep_theirs(sync):
    sync(dag_of(tasks="first"))
    run = DagRunFactory(dag=the_dag(), dag_version=the_dag().current_version)
    for n in range(30):
        sync(dag_of(tasks=f"t{n}"))
    numbers = set(models.DagVersion.objects.values_list("number", flat=True))
    assert {1, 31} <= numbers
    assert len(numbers) <= 13
    run.refresh_from_db()
    assert run.dag_version.number == 1


def test_a_changed_text_is_stored_and_the_old_one_dropped(sync):
    sync(dag_of(), source="# one")
    sync(dag_of(), source="# two")
    assert [source.text for source in models.DagSource.objects.all()] == ["# two"]
    assert the_dag().source.text == the_dag().current_version.source.text == "# two"


def test_tags_and_links_follow_the_file(sync):
    sync(dag_of(tags=["a", "b"], owner_links={"x": "https://x.org", "y": "https://y.org"}))
    sync(dag_of(tags=["b", "c"], owner_links={"y": "https://new.org"}))
    assert [tag.name for tag in the_dag().tags.all()] == ["b", "c"]
    assert [(link.owner, link.link) for link in the_dag().owner_links.all()] == [("y", "https://new.org")]


def test_a_changed_dag_is_no_longer_put_aside(sync):
    sync(dag_of())
    models.Dag.objects.update(put_aside_reason="it broke", put_aside_until=NOW)
    sync(dag_of())
    assert the_dag().put_aside_reason == "it broke"
    sync(dag_of(description="mended"))
    assert (the_dag().put_aside_reason, the_dag().put_aside_until) == ("", None)


# Next runs


def test_the_next_run_follows_the_last_automated_one(sync):
    sync(dag_of(schedule="@daily", catchup=True))
    for days, run_type in ((0, DagRunType.SCHEDULED), (1, DagRunType.BACKFILL), (2, DagRunType.MANUAL)):
        DagRunFactory(
            dag=the_dag(),
            run_type=run_type,
            state=DagRunState.SUCCESS,
            logical_date=START + timedelta(days=days),
            data_interval_start=START + timedelta(days=days),
            data_interval_end=START + timedelta(days=days + 1),
        )
    sync(dag_of(schedule="@daily", catchup=True))
    assert the_dag().next_dagrun == START + timedelta(days=2)


def test_a_dag_with_all_the_runs_it_may_have_keeps_its_next_run_without_a_moment(sync):
    sync(dag_of(schedule="@daily", catchup=True, max_active_runs=1))
    DagRunFactory(dag=the_dag(), run_type=DagRunType.MANUAL, state=DagRunState.RUNNING)
    sync(dag_of(schedule="@daily", catchup=True, max_active_runs=1))
    assert the_dag().next_dagrun == START
    assert the_dag().next_dagrun_create_after is None


@pytest.mark.parametrize("schedule", [None, [Dataset("x")], "0 2 30 2 *"])
def test_a_dag_without_a_clock_or_date_has_no_next_run(sync, schedule):
    sync(dag_of(schedule=schedule))
    assert (the_dag().next_dagrun, the_dag().next_dagrun_create_after) == (None, None)


def test_a_user_written_timetable_is_answered_from_what_it_said_ahead(sync):
    from tests.authoring.timetables.test_custom import AfterWorkday

    upcoming = {
        "computed_at": NOW.isoformat(),
        "runs": [
            {
                "run_after": "2025-06-03T00:00:00+00:00",
                "start": "2025-06-02T00:00:00+00:00",
                "end": "2025-06-03T00:00:00+00:00",
            }
        ],
        "is_complete": False,
        "manual": None,
    }
    applied = sync(parsed(dag_of(schedule=AfterWorkday()), upcoming=upcoming))
    assert applied.is_volatile
    assert the_dag().upcoming == upcoming
    assert the_dag().next_dagrun == datetime(2025, 6, 2, tzinfo=UTC)


# Errors, deactivation


def test_an_error_is_stored_once_and_goes_when_it_is_mended(sync):
    for text in ("first", "second"):
        sync(errors={FILE: text})
        (error,) = models.DagImportError.objects.all()
        assert (error.filename, error.stack_trace, error.processor_subdir) == (FILE, text, "/dags")
    sync(dag_of())
    assert not models.DagImportError.objects.exists()


def test_while_a_file_has_errors_its_dags_stay_marked_with_their_last_good_version(sync):
    sync(dag_of())
    sync(errors={FILE: "broken"}, now=NOW + timedelta(hours=1))
    row = the_dag()
    assert (row.is_active, row.has_import_errors) == (True, True)
    assert row.current_version is not None
    sync(dag_of(), now=NOW + timedelta(hours=2))
    assert the_dag().has_import_errors is False


def test_errors_of_an_archives_modules_are_apart(sync):
    path = "/dags/a.zip"
    one, two = parsed(dag_of("one"), f"{path}/one.py"), parsed(dag_of("two"), f"{path}/two.py")
    sync(one, two, path=path)
    sync(one, path=path, errors={f"{path}/two.py": "broken"})
    assert [error.filename for error in models.DagImportError.objects.all()] == [f"{path}/two.py"]
    assert [the_dag(name).has_import_errors for name in ("one", "two")] == [False, True]
    sync(one, two, path=path)
    assert not models.DagImportError.objects.exists()
    assert the_dag("two").has_import_errors is False


def test_a_dag_that_its_file_no_longer_defines_goes_after_a_while_and_may_return(sync, monkeypatch):
    monkeypatch.setenv("AIRFLOW__SCHEDULER__STALE_DAG_THRESHOLD", "50")
    sync(dag_of("stays"), dag_of("goes"))
    assert sync(dag_of("stays"), now=NOW + timedelta(seconds=40)).deactivated == 0
    assert the_dag("goes").is_active
    models.Dag.objects.filter(pk="goes").update(is_paused=False)
    assert sync(dag_of("stays"), now=NOW + timedelta(seconds=60)).deactivated == 1
    assert (the_dag("goes").is_active, the_dag("goes").last_expired_at) == (False, NOW + timedelta(seconds=60))
    sync(dag_of("stays"), dag_of("goes"), now=NOW + timedelta(seconds=90))
    assert (the_dag("goes").is_active, the_dag("goes").is_paused) == (True, False)


def test_a_dag_of_another_files_name_is_refused(sync):
    sync(parsed(dag_of("thief"), "/etc/passwd"))
    assert not models.Dag.objects.exists()
    assert "which is not this one" in models.DagImportError.objects.get().stack_trace


def test_a_document_that_cannot_be_read_is_an_error_and_the_others_go_on(sync):
    bad = parsed(dag_of("bad"))
    broken = ParsedDag({**bad.document, "tasks": "none"}, bad.shape, bad.digest)
    sync(broken, dag_of("good"))
    assert [row.pk for row in models.Dag.objects.all()] == ["good"]
    assert "DAG bad cannot be read back" in models.DagImportError.objects.get().stack_trace


def test_files_that_vanished_take_their_dags_and_errors_with_them(sync):
    sync(dag_of("kept"))
    sync(dag_of("gone"), path="/dags/gone.py")
    sync(parsed(dag_of("packed"), "/dags/a.zip/one.py"), path="/dags/a.zip")
    sync(path="/dags/broken.py", errors={"/dags/broken.py": "x"})
    sync(path="/dags/a.zip", errors={"/dags/a.zip/two.py": "x"})
    assert forget_missing([FILE, "/dags/a.zip"], None, NOW) == (1, 1)
    assert [row.pk for row in models.Dag.objects.filter(is_active=True)] == ["kept", "packed"]
    assert [error.filename for error in models.DagImportError.objects.all()] == ["/dags/a.zip/two.py"]
    assert the_dag("gone").current_version is not None


def test_another_processors_files_are_not_touched(sync):
    sync(dag_of("mine"))
    Syncer().apply(result_of(dag_of("theirs"), path="/other/f.py"), root="/other", now=NOW)
    assert forget_missing([], ["/dags"], NOW) == (1, 0)
    assert the_dag("theirs").is_active


# Two files, one id


@pytest.fixture
def two_files(tmp_path):
    first, second = tmp_path / "first.py", tmp_path / "second.py"
    first.write_text("")
    second.write_text("")
    return str(first), str(second)


def test_a_second_file_with_the_same_id_gets_an_error_and_the_dag_a_warning(sync, two_files):
    first, second = two_files
    sync(dag_of(description="first"), path=first)
    assert sync(dag_of(description="second"), dag_of("other"), path=second).is_volatile
    assert (the_dag().fileloc, the_dag().description) == (first, "first")
    error = models.DagImportError.objects.get()
    assert error.filename == second
    assert error.stack_trace == (
        f"AirflowDagDuplicatedIdException: DAG 'dag' from {second} is left out: {first} defines that id already"
    )
    warning = models.DagWarning.objects.get()
    assert (warning.dag_id, warning.warning_type) == ("dag", "duplicate dag")
    assert second in warning.message
    assert the_dag("other").is_active
    assert the_dag().has_import_errors is False
    sync(dag_of(description="first"), path=first)
    assert models.DagWarning.objects.count() == 1


def test_the_warning_goes_when_the_second_file_is_renamed_mended_or_removed(sync, two_files):
    first, second = two_files
    sync(dag_of(), path=first)
    for mend in (lambda: sync(dag_of("other"), path=second), lambda: forget_missing([first], None, NOW)):
        sync(dag_of(), path=second)
        assert models.DagWarning.objects.exists()
        mend()
        assert not models.DagWarning.objects.exists()
        assert not models.DagImportError.objects.exists()


def test_a_moved_file_takes_its_dag_along(sync, two_files, tmp_path):
    first, second = two_files
    sync(dag_of(), path=first)
    (tmp_path / "first.py").unlink()
    sync(dag_of(), path=second)
    assert the_dag().fileloc == second
    assert not models.DagImportError.objects.exists()


def test_an_inactive_dag_may_be_defined_by_another_file(sync, two_files):
    first, second = two_files
    sync(dag_of(), path=first)
    models.Dag.objects.update(is_active=False)
    sync(dag_of(), path=second)
    assert (the_dag().fileloc, the_dag().is_active) == (second, True)


# Pools, access control, datasets


def test_missing_pools_are_warned_of_until_they_are_there(sync):
    assert sync(dag_of(pool="nowhere")).is_volatile
    warning = models.DagWarning.objects.get()
    assert warning.warning_type == "non-existent pool"
    assert warning.message == "Dag 'dag' references non-existent pools: ['nowhere']"
    PoolFactory(name="nowhere")
    assert not sync(dag_of(pool="nowhere")).is_volatile
    assert not models.DagWarning.objects.exists()


def grants():
    return {(g.group.name, g.dag_id, g.resource, g.action) for g in models.DagGrant.objects.select_related("group")}


def test_access_control_becomes_grants_and_follows_the_file(sync):
    Group.objects.get_or_create(name="Team")
    Group.objects.get_or_create(name="Other")
    sync(dag_of(access_control={"Team": {"can_read", "can_edit"}, "Other": {"DAG Runs": {"can_create"}}}))
    assert grants() == {
        ("Team", "dag", "DAGs", "can_read"),
        ("Team", "dag", "DAGs", "can_edit"),
        ("Other", "dag", "DAG Runs", "can_create"),
    }
    sync(dag_of(access_control={"Team": {"can_read"}}))
    assert grants() == {("Team", "dag", "DAGs", "can_read")}


def test_a_file_that_says_nothing_of_access_leaves_what_people_granted(sync):
    sync(dag_of())
    team, _ = Group.objects.get_or_create(name="Team")
    models.DagGrant.objects.create(group=team, dag_id="dag", action="can_read")
    sync(dag_of())
    assert grants() == {("Team", "dag", "DAGs", "can_read")}


@pytest.mark.parametrize(
    ("access", "text"),
    [
        ({"Nobody": {"can_read"}}, "gives rights to the role 'Nobody', which there is not"),
        ({"Team": {"can_fly"}}, "gives can_fly on "),
        ({"Team": {"Pools": {"can_read"}}}, "names the resource 'Pools'"),
    ],
)
def test_access_control_that_cannot_hold_is_an_error_and_grants_nothing(sync, access, text):
    Group.objects.get_or_create(name="Team")
    sync(dag_of(access_control=access))
    assert text in models.DagImportError.objects.get().stack_trace
    assert grants() == set()
    assert the_dag().has_import_errors


def test_datasets_and_who_waits_for_and_writes_them(sync):
    sync(dag_of("writer", outlets=[Dataset("s3://a/b", {"k": 1}), DatasetAlias("alias")]))
    sync(dag_of("reader", schedule=Dataset("s3://a/b") & DatasetAlias("other")), path="/dags/r.py")
    assert [(d.uri, d.extra, d.is_orphaned) for d in models.Dataset.objects.all()] == [("s3://a/b", {"k": 1}, False)]
    assert {alias.name for alias in models.DatasetAlias.objects.all()} == {"alias", "other"}
    assert set(models.TaskOutletReference.objects.values_list("dag", "task_id")) == {("writer", "a"), ("writer", "b")}
    assert list(models.DagDatasetReference.objects.values_list("dag", flat=True)) == ["reader"]
    assert list(models.DagDatasetAliasReference.objects.values_list("dag", "alias__name")) == [("reader", "other")]
    row = the_dag("reader")
    assert row.dataset_expression == {"all": ["s3://a/b", {"alias": "other"}]}
    assert row.schedule_interval == {"__type": "CronExpression", "value": "Dataset"}


def test_a_dataset_that_nobody_names_any_more_is_an_orphan_until_it_is_named_again(sync):
    sync(dag_of(outlets=[Dataset("a"), Dataset("b")]))
    sync(dag_of(outlets=[Dataset("b")]))
    assert dict(models.Dataset.objects.values_list("uri", "is_orphaned")) == {"a": True, "b": False}
    sync(dag_of(schedule=[Dataset("a")]))
    assert dict(models.Dataset.objects.values_list("uri", "is_orphaned")) == {"a": False, "b": True}


def test_what_an_alias_stands_for_is_waited_for_too(sync):
    alias = models.DatasetAlias.objects.create(name="alias")
    alias.datasets.add(models.Dataset.objects.create(uri="found"))
    sync(dag_of(schedule=DatasetAlias("alias")))
    assert list(models.DagDatasetReference.objects.values_list("dag", "dataset__uri")) == [("dag", "found")]


# Races and cost


def test_a_row_that_another_processor_made_meanwhile_is_taken_over(sync, monkeypatch):
    from orchestration.dagfiles import sync_rows

    original = sync_rows.save_new

    def beaten(rows):
        monkeypatch.setattr(sync_rows, "save_new", original)
        raise IntegrityError("UNIQUE constraint failed: orchestration_dag.dag_id")

    monkeypatch.setattr(sync_rows, "save_new", beaten)
    assert sync(dag_of()).dags == 1
    assert the_dag().current_version.number == 1


def test_a_file_of_many_dags_costs_as_many_statements_as_one_of_few(sync, django_assert_max_num_queries):
    for count in (2, 40):
        dags = [
            dag_of(f"c{count}_{n}", schedule="@daily", tags=["t"], outlets=[Dataset(f"u{n}")]) for n in range(count)
        ]
        with django_assert_max_num_queries(38):
            sync(*dags, path=f"/dags/{count}.py")
        with django_assert_max_num_queries(24):
            sync(*dags, path=f"/dags/{count}.py")


def test_the_scheduler_is_woken_when_there_may_be_something_to_do(sync, monkeypatch):
    woken = []
    monkeypatch.setattr("orchestration.dagfiles.sync.notify", woken.append)
    sync(dag_of(schedule="@daily"))
    assert woken == ["scheduler"]
    sync(dag_of(schedule="@daily", catchup=True))
    woken.clear()
    sync(dag_of(schedule="@daily", catchup=True))
    assert woken == []
