from django.db import migrations, models

_FILL = """
    UPDATE orchestration_xcom
    SET dag_id = ti.dag_id, task_id = ti.task_id, run_id = run.run_id, map_index = ti.map_index
    FROM orchestration_taskinstance ti JOIN orchestration_dagrun run ON run.id = ti.run_id
    WHERE ti.id = orchestration_xcom.task_instance_id
"""


class Migration(migrations.Migration):
    """The DAG, task, run and map index of an XCom beside its task instance, and the index for lists in their order."""

    dependencies = [
        ('orchestration', '0003_run_id_indexes'),
    ]

    operations = [
        migrations.AddField(
            model_name='xcom',
            name='dag_id',
            field=models.CharField(default='', max_length=250),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='xcom',
            name='task_id',
            field=models.CharField(default='', max_length=250),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='xcom',
            name='run_id',
            field=models.CharField(default='', max_length=250),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='xcom',
            name='map_index',
            field=models.IntegerField(default=-1),
            preserve_default=False,
        ),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='xcom',
            index=models.Index(fields=['dag_id', 'task_id', 'run_id', 'map_index'], name='xcom_place'),
        ),
    ]
