"""Calls the tools of mcp-server-apache-airflow through MCP: ``mcp_client.py FILE_TOKEN EVENT ERROR``.

Its own ``AIRFLOW_…`` variables say where.

Prints one JSON object: tool → null, or what went wrong, for every tool that the server offers.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from fastmcp import Client, FastMCP
from fastmcp.tools import Tool
from src.main import APITYPE_TO_FUNCTIONS

FLOW, HOLD, CONSUMER = "contract_flow", "contract_hold", "contract_consumer"
RUN, HELD, ONE = "mcp_run", "mcp_held", "contract://bucket/one"
OF_RUN = {"dag_id": FLOW, "dag_run_id": RUN}
OF_HELD = {"dag_id": HOLD, "dag_run_id": HELD}
OF_SAY = {**OF_RUN, "task_id": "say"}
NAMED: dict[str, Any] = {"dag_id": FLOW}

#: Tool → arguments and a text that its answer must hold, in the order of the calls.
CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("get_health", {}, "healthy"),
    ("get_version", {}, "version"),
    ("get_plugins", {}, "plugins"),
    ("get_providers", {}, "providers"),
    ("get_config", {"section": "core"}, "parallelism"),
    ("get_value", {"section": "core", "option": "parallelism"}, "32"),
    ("create_connection", {"conn_id": "mcp_new", "conn_type": "http"}, "mcp_new"),
    ("get_connection", {"conn_id": "mcp"}, "h.example"),
    ("list_connections", {"limit": 10}, "mcp"),
    ("update_connection", {"conn_id": "mcp", "conn_type": "http", "host": "new.example"}, "new.example"),
    ("test_connection", {"conn_type": "unknown_kind"}, "status"),
    ("delete_connection", {"conn_id": "mcp"}, ""),
    ("create_variable", {"key": "mcp_new", "value": "one"}, "mcp_new"),
    ("get_variable", {"key": "mcp"}, "one"),
    ("list_variables", {}, "mcp"),
    ("update_variable", {"key": "mcp", "value": "two"}, "two"),
    ("delete_variable", {"key": "mcp"}, ""),
    ("post_pool", {"name": "mcp", "slots": 2, "description": "d", "include_deferred": False}, "mcp"),
    ("get_pool", {"pool_name": "mcp"}, "slots"),
    ("get_pools", {}, "default_pool"),
    ("patch_pool", {"pool_name": "mcp", "slots": 4, "description": "d", "include_deferred": True}, "4"),
    ("delete_pool", {"pool_name": "mcp"}, ""),
    ("fetch_dags", {"limit": 50}, FLOW),
    ("get_dag", NAMED, FLOW),
    ("get_dag_details", NAMED, "# Flow"),
    ("get_dag_source", {"file_token": "$token"}, "contract-marker"),
    ("reparse_dag_file", {"file_token": "$token"}, ""),
    ("unpause_dag", NAMED, FLOW),
    ("pause_dag", {"dag_id": HOLD}, HOLD),
    ("patch_dag", {"dag_id": FLOW, "is_paused": False}, FLOW),
    ("patch_dags", {"dag_id_pattern": HOLD, "is_paused": True}, HOLD),
    ("get_dag_tasks", NAMED, "say"),
    ("get_tasks", NAMED, "say"),
    ("get_task", {"dag_id": FLOW, "task_id": "say"}, "BashOperator"),
    ("get_dag_stats", {"dag_ids": [FLOW]}, FLOW),
    ("post_dag_run", {**OF_RUN, "logical_date": "2022-06-06T00:00:00Z", "note": "n"}, RUN),
    ("post_dag_run", {**OF_HELD, "logical_date": "2022-06-06T00:00:00Z"}, HELD),
    ("get_dag_run", OF_RUN, "success"),
    ("get_dag_runs", {"dag_id": FLOW, "limit": 5}, RUN),
    ("get_dag_runs_batch", {"dag_ids": [FLOW]}, RUN),
    ("set_dag_run_note", {**OF_HELD, "note": "hello"}, "hello"),
    ("update_dag_run_state", {**OF_HELD, "state": "failed"}, "failed"),
    ("clear_dag_run", {**OF_HELD, "dry_run": True}, "first"),
    ("get_upstream_dataset_events", OF_RUN, "dataset_events"),
    ("list_task_instances", OF_RUN, "say"),
    ("get_task_instance", OF_SAY, "success"),
    ("update_task_instance", {**OF_HELD, "task_id": "first", "state": "success"}, "first"),
    ("get_log", {**OF_SAY, "task_try_number": 1}, "contract-marker"),
    ("list_task_instance_tries", OF_SAY, "say"),
    ("clear_task_instances", {"dag_id": HOLD, "task_ids": ["first"], "dry_run": True}, "task_instances"),
    ("set_task_instances_state", {"dag_id": HOLD, "state": "success", "task_ids": ["first"], "dry_run": True}, ""),
    ("get_xcom_entries", {**OF_RUN, "task_id": "push"}, "return_value"),
    ("get_xcom_entry", {**OF_RUN, "task_id": "push", "xcom_key": "return_value"}, "answer"),
    ("get_datasets", {"uri_pattern": "contract"}, ONE),
    ("get_dataset", {"uri": ONE}, ONE),
    ("get_dataset_events", {"source_dag_id": FLOW}, ONE),
    ("create_dataset_event", {"dataset_uri": ONE, "extra": {"rows": 1}}, ONE),
    ("get_dag_dataset_queued_event", {"dag_id": CONSUMER, "uri": ONE}, ONE),
    ("get_dag_dataset_queued_events", {"dag_id": CONSUMER}, ONE),
    ("get_dataset_queued_events", {"uri": ONE}, CONSUMER),
    ("delete_dag_dataset_queued_event", {"dag_id": CONSUMER, "uri": ONE}, ""),
    ("create_dataset_event", {"dataset_uri": ONE}, ONE),
    ("delete_dag_dataset_queued_events", {"dag_id": CONSUMER}, ""),
    ("create_dataset_event", {"dataset_uri": ONE}, ONE),
    ("delete_dataset_queued_events", {"uri": ONE}, ""),
    ("get_event_logs", {"limit": 5, "order_by": "-event_log_id"}, "api."),
    ("get_event_log", {"event_log_id": "$event"}, "event"),
    ("get_import_errors", {}, "a_module_that_does_not_exist_anywhere"),
    ("get_import_error", {"import_error_id": "$error"}, "a_module_that_does_not_exist_anywhere"),
    ("delete_dag_run", OF_HELD, ""),
    ("delete_dag", {"dag_id": "contract_victim"}, ""),
]


async def main() -> None:
    app: Any = FastMCP("contract")
    for functions in APITYPE_TO_FUNCTIONS.values():
        for function, name, description, *_ in functions():
            app.add_tool(Tool.from_function(function, name=name, description=description))
    known = dict(zip(("$token", "$event", "$error"), sys.argv[1:4]))
    async with Client(app) as mcp:
        found: dict[str, str | None] = {tool.name: "was not called" for tool in await mcp.list_tools()}
        for name, arguments, expected in CALLS:
            sent = {
                key: known.get(value, value) if isinstance(value, str) else value for key, value in arguments.items()
            }
            limit = time.monotonic() + (90 if name == "get_dag_run" else 0)
            while True:
                try:
                    answer = await mcp.call_tool(name, sent)
                    text = " ".join(str(getattr(part, "text", part)) for part in answer.content)
                    problem = None if expected in text else f"{expected!r} is not in {text[:500]}"
                except Exception as error:
                    problem = f"{type(error).__name__}: {error}"[:800]
                if problem is None or time.monotonic() > limit:
                    break
                await asyncio.sleep(0.3)
            found[name] = problem if found[name] in (None, "was not called") else found[name]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
