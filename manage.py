#!/usr/bin/env python
"""Run a management command: ``manage.py standalone``, ``manage.py dags list`` …"""

from airflowsite.__main__ import main

if __name__ == "__main__":
    main()
