"""Long requests of the page, such as a sweep, which can be polled and cancelled.

One file per handler (see ``registry``); ``scheduler`` runs them. Importing this package registers all of them.
"""

from __future__ import annotations

import importlib
import pkgutil

from explorer.app.jobs.registry import HANDLERS, Handler, job
from explorer.app.jobs.scheduler import Job, Jobs, StoppedError

__all__ = ["HANDLERS", "Handler", "Job", "Jobs", "StoppedError", "job"]

for _module in pkgutil.iter_modules(__path__, __name__ + "."):
    importlib.import_module(_module.name)
