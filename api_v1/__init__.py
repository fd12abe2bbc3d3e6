"""The stable API of Airflow 2 (``/api/v1``) as 2.10.5 answers it.

How a resource is added, say ``pools``:

1. ``access/requirements.py`` has its operations: id, method, path, permissions.
2. ``filters/pools.py``: a ``ParameterSet`` for each operation with query parameters, listing every one it takes
   (``filters.base``). An operation that names none refuses any; ``parameters=None`` ignores what is sent.
3. ``serializers/pools.py``: a ``BodySerializer`` for each body (strict fields of ``serializers.base``: what is wrong
   with types, nulls and enumerations is answered before permissions are asked, the rest by ``load``), and plain
   serializers that describe the answers for the document.
4. ``viewsets/pools.py``: an ``OperationViewSet`` with ``operations = (Operation("get_pools", "list", …), …)`` and a
   method for each action. It finds ``self.query`` (read parameters), ``self.body`` (checked JSON), ``self.load()``
   (validated members), ``self.kwargs`` (path), ``self.caller`` (user). It returns plain data (answered as JSON by
   orjson; aware datetimes become the reference's texts), or None with ``status=204``, or a response.
   It raises ``problems.not_found("Pool not found")``, ``bad_request("…")`` and so on; services raise
   ``orchestration.errors``. ``event="post_pool"`` makes the audit log's row, also for refusals; the service's
   ``audit.record`` joins it.
5. ``viewsets/__init__.py`` lists the class.

Lists: ``pagination.page(self.query)``, ``pagination.order(rows, self.query.get("order_by"), {...}, default="id")``,
``ParameterSet.apply(rows, self.query)``; answer ``{"pools": [...], "total_entries": n}``. Rows come from a
``rows.Shape``, not from model instances. ``conditional.py`` does ETag and If-Match, ``idempotency.py`` Idempotency-Key.
"""
