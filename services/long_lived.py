"""What a process loads once and keeps."""

import gc


def keep_for_long() -> None:
    """Spare the collector's rounds what is loaded now: modules, kernels, the registry of a park.

    Each answer or batch of thousands of rows would otherwise have all of it walked, several times.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
