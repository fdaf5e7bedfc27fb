"""Keeps plots and pictures from opening windows: nobody looks, and some would wait to be closed."""

import functools
from types import ModuleType
from typing import Any

from pushtune_probe.session import Session


def install_matplotlib(session: Session, module: ModuleType) -> None:
    """Let ``matplotlib.use("TkAgg")`` succeed without effect: it fails where there is no display."""
    original = module.use

    @functools.wraps(original)
    def use(backend: str, **options: Any) -> None:
        original("Agg" if backend.lower() not in _FILE_BACKENDS else backend, **options)

    module.use = use  # type: ignore[attr-defined]


_FILE_BACKENDS = {"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"}


def install_pyplot(session: Session, module: ModuleType) -> None:
    """Let ``plt.show()`` and ``plt.pause()`` return at once."""
    module.show = _nothing(module.show)  # type: ignore[attr-defined]
    module.pause = _nothing(module.pause)  # type: ignore[attr-defined]


def install_cv2(session: Session, module: ModuleType) -> None:
    """Let OpenCV's windows do nothing; ``waitKey`` says that no key was pressed."""
    for name in ("imshow", "namedWindow", "destroyAllWindows", "destroyWindow"):
        setattr(module, name, _nothing(getattr(module, name)))
    module.waitKey = _nothing(module.waitKey, -1)  # type: ignore[attr-defined]


def _nothing(original: Any, result: Any = None) -> Any:
    @functools.wraps(original)
    def do_nothing(*_: Any, **__: Any) -> Any:
        return result

    return do_nothing
