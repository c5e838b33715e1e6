"""One overlay a file; dropping in a file registers it."""

from assetmix.optimization.register import import_siblings

import_siblings(__name__, list(__path__))
