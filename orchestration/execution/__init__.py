"""Running tries: executors take them, a supervisor claims and watches them, each runs in a process of its own.

``executors`` is the port to the scheduler. ``supervisor`` speaks for tasks to the database; ``warm`` and ``runner`` are
the processes without Django in which user code runs; ``triggerer`` waits for deferred tasks.
"""
