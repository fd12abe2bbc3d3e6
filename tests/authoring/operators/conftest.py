from tests.authoring.operators.support import memory

__all__ = ["memory"]
