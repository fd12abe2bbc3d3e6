"""The orchestrator: DAG authoring, parsing, scheduling, execution, and the services every face of it calls."""
