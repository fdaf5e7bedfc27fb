"""``python -m pushtune_probe --attempt DIR -- script.py args…``, or ``python …/pushtune_probe --attempt …``.

Run as a folder, the package is loaded from where it lies, without putting its parent on ``sys.path``: the
parent may be a ``site-packages`` whose other packages must not reach the script.
"""

import sys


def _load_package() -> None:
    import importlib.util
    import os

    folder = os.path.dirname(os.path.abspath(__file__))
    init = os.path.join(folder, "__init__.py")
    spec = importlib.util.spec_from_file_location("pushtune_probe", init, submodule_search_locations=[folder])
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["pushtune_probe"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    if not __package__:
        _load_package()
    from pushtune_probe.runner import main

    main(sys.argv[1:])
