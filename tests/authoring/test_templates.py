"""Templates: environments, filters, the walk through fields, files."""

from __future__ import annotations

from datetime import UTC, datetime

import jinja2
import pytest

from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.context import Context
from orchestration.authoring.dag import DAG
from orchestration.authoring.notifier import BaseNotifier
from orchestration.authoring.operators.bash import BashOperator
from orchestration.authoring.templates import FILTERS, NativeEnvironment, SandboxedEnvironment, Templater, literal

MOMENT = datetime(2024, 3, 5, 10, 20, 30, tzinfo=UTC)


class Op(BaseOperator):
    template_fields = ("field",)
    template_ext = (".sql",)

    def __init__(self, *, field, **kwargs):
        super().__init__(**kwargs)
        self.field = field


def render(field, *, context=None, **options):
    with DAG("d", schedule=None, **options):
        op = Op(task_id="t", field=field)
    op.render_template_fields(Context(context or {"x": 5, "words": ["a"]}))
    return op.field


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ds", "2024-03-05"),
        ("ds_nodash", "20240305"),
        ("ts", "2024-03-05T10:20:30+00:00"),
        ("ts_nodash", "20240305T102030"),
        ("ts_nodash_with_tz", "20240305T102030+0000"),
    ],
)
def test_filters_write_moments(name, text):
    assert FILTERS[name](MOMENT) == text
    assert FILTERS[name](None) is None
    assert render(f"{{{{ x | {name} }}}}", context={"x": MOMENT}) == text


class Inner:
    template_fields = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b


def test_collections_are_walked():
    from collections import namedtuple

    Pair = namedtuple("Pair", "one two")
    found = render(
        {"l": ["{{ x }}", 7], "t": ("{{ x }}",), "s": {"{{ x }}"}, "p": Pair("{{ x }}", 1), "k{{ x }}": None}
    )
    assert found == {"l": ["5", 7], "t": ("5",), "s": {"5"}, "p": Pair("5", 1), "k{{ x }}": None}


def test_objects_with_templated_fields_are_walked_and_may_hold_themselves():
    inner = Inner("{{ x }}", None)
    inner.b = inner
    assert render([inner])[0].a == "5"


@pytest.mark.parametrize("value", [None, 0, "", [], {}])
def test_nothing_is_left_as_it_is(value):
    assert render(value) == value


def test_a_literal_is_not_rendered():
    assert render(literal("{{ x }}")) == "{{ x }}"


def test_a_function_is_called_with_context_and_environment():
    assert render(lambda context, jinja_env: f"{context['x']} {type(jinja_env).__name__}") == "5 SandboxedEnvironment"


def test_native_templates_keep_python_types():
    assert render("{{ words }}", render_template_as_native_obj=True) == ["a"]
    assert render("{{ x }}", render_template_as_native_obj=True) == 5
    assert render("{{ words }}") == "['a']"


def test_an_unknown_name_is_an_error_unless_the_dag_says_otherwise(caplog):
    with pytest.raises(jinja2.UndefinedError):
        render("{{ nope }}")
    assert "Field 'field' of task 't' could not be rendered" in caplog.text
    assert render("[{{ nope }}]", template_undefined=jinja2.Undefined) == "[]"


def test_macros_filters_and_options_of_the_dag():
    assert render("{{ m(2) }}", user_defined_macros={"m": lambda v: v * 2}) == "4"
    assert render("{{ 'a' | f }}", user_defined_filters={"f": str.upper}) == "A"
    assert render("a\n", jinja_environment_kwargs={"keep_trailing_newline": True}) == "a\n"
    assert render("a\n") == "a"
    assert render("{% set l = [] %}{% do l.append(1) %}{{ l }}") == "[1]"


def test_a_macro_does_not_hide_a_name_of_the_context():
    assert render("{{ x }}", user_defined_macros={"x": "macro"}) == "5"


@pytest.mark.parametrize(
    "attack", ["{{ ''.__class__.__mro__ }}", "{{ x.__init__.__globals__ }}", "{{ [].append.__self__.__class__ }}"]
)
def test_the_interpreter_is_out_of_reach(attack):
    with pytest.raises(jinja2.exceptions.SecurityError):
        render(attack)


def test_private_attributes_are_within_reach():
    class Thing:
        _hidden = 7

    assert render("{{ x._hidden }}", context={"x": Thing()}) == "7"


def test_files_are_read_beside_the_dag_and_in_the_search_path(tmp_path, caplog):
    (tmp_path / "a.sql").write_text("select {{ x }} {% include 'b.sql' %}")
    (tmp_path / "b.sql").write_text("-- {{ x }}")
    with DAG("d", schedule=None, template_searchpath=str(tmp_path)) as dag:
        one = Op(task_id="one", field="a.sql")
        listed = Op(task_id="listed", field=["a.sql", "plain"])
        missing = Op(task_id="missing", field="missing.sql")
    dag.resolve_template_files()
    assert one.field == "select {{ x }} {% include 'b.sql' %}"
    assert listed.field == ["select {{ x }} {% include 'b.sql' %}", "plain"]
    assert missing.field == "missing.sql"
    assert "'missing.sql'" in caplog.text
    one.render_template_fields(Context(x=1))
    assert one.field == "select 1 -- 1"
    with pytest.raises(jinja2.TemplateNotFound):
        missing.render_template_fields(Context(x=1))


def test_hook_after_files_are_read(tmp_path):
    class Upper(Op):
        def prepare_template(self):
            self.field = self.field.upper()

    (tmp_path / "a.sql").write_text("select")
    with DAG("d", schedule=None, template_searchpath=[str(tmp_path)]) as dag:
        op = Upper(task_id="t", field="a.sql")
    dag.resolve_template_files()
    assert op.field == "SELECT"


def test_a_field_that_is_not_there_is_an_error():
    class Wrong(BaseOperator):
        template_fields = ("absent",)

    with pytest.raises(AttributeError, match="template_fields of Wrong names 'absent'"):
        Wrong(task_id="t").render_template_fields(Context())


def test_a_value_without_a_truth_value_is_rendered():
    class Frame:
        template_fields = ("a",)
        a = "{{ x }}"

        def __bool__(self):
            raise ValueError

    assert render(Frame()).a == "5"


def test_lazy_values_of_the_context_stay_unasked():
    from orchestration.authoring.context import _Late

    context = Context(x=1)
    context._values["costly"] = _Late(lambda: pytest.fail("asked"))
    assert render("{{ x }}", context=context) == "1"


def test_the_environments_are_jinja_s():
    assert issubclass(SandboxedEnvironment, jinja2.sandbox.SandboxedEnvironment)
    assert issubclass(NativeEnvironment, jinja2.nativetypes.NativeEnvironment)
    assert Templater().get_template_env().from_string("{{ 1 }}").render() == "1"


def test_a_rendering_error_does_not_show_secrets(caplog):
    from orchestration.authoring.secrets import mask_secret

    mask_secret("hunter-22")
    with pytest.raises(jinja2.TemplateSyntaxError):
        render("hunter-22 {{ ")
    assert "it is '*** {{ '" in caplog.text


class Mail(BaseNotifier):
    template_fields = ("text",)

    def __init__(self, text):
        super().__init__()
        self.text = text
        self.sent = []

    def notify(self, context):
        self.sent.append((self.text, context["text"]))
        if self.text == "broken":
            raise OSError("no network")


def test_a_notifier_renders_and_sends(caplog):
    dag = DAG("d", schedule=None)
    mail = Mail("run {{ run_id }}")
    mail(Context(dag=dag, run_id="r"))
    assert mail.sent == [("run r", "run {{ run_id }}")]
    broken = Mail("broken")
    broken(Context(dag=dag))
    assert "could not be sent" in caplog.text
    sla = Mail("{{ task_list }}")
    sla(dag, "tasks", "blocking", [], [])
    assert sla.sent[0][0] == "tasks"


def test_bash_scripts_are_files_too(tmp_path, port):
    (tmp_path / "s.sh").write_text("echo {{ 1 + 1 }}")
    with DAG("d", schedule=None, template_searchpath=[str(tmp_path)]) as dag:
        op = BashOperator(task_id="t", bash_command="s.sh")
    dag.resolve_template_files()
    op.render_template_fields(Context())
    assert op.bash_command == "echo 2"
