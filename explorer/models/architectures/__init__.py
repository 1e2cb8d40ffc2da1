"""The architectures that ship with Explorer. Importing this package registers those of every file in it."""

import pkgutil
from importlib import import_module

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)
