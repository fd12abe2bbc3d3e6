"""The Django project: settings, URLs, and the ways in."""

__version__ = "0.1.0"
#: The release of Airflow whose APIs are spoken here; ``/version`` answers it.
API_VERSION = "2.10.5"
