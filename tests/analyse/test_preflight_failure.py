"""Why a run failed, from what Python said: the class, and what to do."""

from __future__ import annotations

import pytest

from pushtune.analyse.preflight_failure import Failed, cause_of
from pushtune.model.analysis import Requirement

NEEDS = (Requirement("catboost", "catboost", certain=True), Requirement("util", "util", certain=False))


@pytest.mark.parametrize(
    ("type_", "message", "source", "code", "said"),
    [
        (
            "ModuleNotFoundError",
            "No module named 'catboost'",
            "",
            "missing-package",
            "py -m pip install catboost",
        ),
        ("ModuleNotFoundError", "No module named 'util'", "", "missing-sibling", "util.py beside the script"),
        (
            "ModuleNotFoundError",
            "No module named 'keras.preprocessing.text'",
            "",
            "removed-api",
            "since Keras 3",
        ),
        (
            "ModuleNotFoundError",
            "No module named 'sklearn.cross_validation'",
            "",
            "removed-api",
            "model_selection",
        ),
        ("ModuleNotFoundError", "No module named 'urllib2'", "", "python-2", "2to3 -w train.py"),
        ("ModuleNotFoundError", "No module named 'tensorflow.contrib'", "", "removed-api", "TensorFlow 1"),
        (
            "ImportError",
            "cannot import name 'np_utils' from 'keras.utils' (/x)",
            "",
            "removed-api",
            "to_categorical",
        ),
        ("AttributeError", "module 'numpy' has no attribute 'float'.\nMore", "", "removed-api", "numpy<1.24"),
        (
            "AttributeError",
            "module 'tensorflow' has no attribute 'Session'",
            "",
            "tensorflow-1",
            "Python 3.7",
        ),
        (
            "AttributeError",
            "module 'keras.api.backend' has no attribute 'int_shape'",
            "",
            "removed-api",
            "x.shape",
        ),
        (
            "AttributeError",
            "'Sequential' object has no attribute 'predict_classes'",
            "",
            "removed-api",
            "argmax",
        ),
        (
            "AttributeError",
            "'DataFrame' object has no attribute 'append'",
            "",
            "removed-api",
            "pandas.concat",
        ),
        ("AttributeError", "'dict' object has no attribute 'has_key'", "", "python-2", "2to3"),
        (
            "TypeError",
            "f() got an unexpected keyword argument 'early_stopping_rounds'",
            "",
            "removed-api",
            "XGB",
        ),
        ("ValueError", "Argument(s) not recognized: {'lr': 0.01}", "", "removed-api", "learning_rate"),
        ("KeyError", "'val_acc'", "h.history['val_acc']", "removed-api", "'val_accuracy'"),
        (
            "FileNotFoundError",
            "[Errno 2] No such file or directory: 'data/a.csv'",
            "",
            "missing-data",
            "data/a.csv",
        ),
        (
            "FileNotFoundError",
            "[Errno 2] No such file or directory: 'conf.py'",
            "",
            "missing-sibling",
            "conf.py",
        ),
        (
            "SystemExit",
            "argument error: the following arguments are required: --x",
            "",
            "needs-arguments",
            "--args",
        ),
        ("IndexError", "list index out of range", "folder = sys.argv[1]", "needs-arguments", "--args"),
        ("AssertionError", "Torch not compiled with CUDA enabled", "", "needs-gpu", "GPU"),
        ("RuntimeError", "Found no NVIDIA driver on your system.", "", "needs-gpu", "GPU"),
        ("AssertionError", "", "assert torch.cuda.is_available()", "needs-gpu", "GPU"),
        (
            "KeyError",
            "'OPENAI_API_KEY'",
            "os.environ['OPENAI_API_KEY']",
            "needs-key",
            "export OPENAI_API_KEY",
        ),
        ("KeyError", "'DATA_DIR'", "os.environ['DATA_DIR']", "needs-variable", "export DATA_DIR"),
        (
            "UsageError",
            "api_key not configured (no-tty). call wandb login",
            "",
            "needs-key",
            "WANDB_MODE=offline",
        ),
        (
            "Exception",
            "URL fetch failure on https://x.org/mnist.npz: None",
            "",
            "needs-network",
            "~/.keras/datasets",
        ),
        ("URLError", "<urlopen error [Errno -2] Name or service not known>", "", "needs-network", "network"),
        ("ConnectionError", "HTTPSConnectionPool: Max retries exceeded", "", "needs-network", "network"),
        (
            "RuntimeError",
            "Dataset not found. You can use download=True to download it",
            "",
            "needs-network",
            "once",
        ),
        ("NameError", "name 'xrange' is not defined", "", "python-2", "2to3"),
        ("NameError", "name 'model' is not defined", "", "undefined-name", "model"),
    ],
)
def test_a_failure_is_one_of_a_few_classes(
    type_: str, message: str, source: str, code: str, said: str
) -> None:
    cause = cause_of(Failed(type_, message, "train.py", source), NEEDS, "py")
    assert cause is not None
    assert cause.code == code
    assert said in cause.fix
    assert "{" not in cause.fix


@pytest.mark.parametrize(
    "failed",
    [
        Failed("RuntimeError", "the cat is out"),
        Failed("KeyError", "'label'", source="row['label']"),
        Failed("IndexError", "list index out of range", source="x = rows[7]"),
        Failed("AssertionError", "", source="assert x > 0"),
        Failed("ValueError", "Found array with 0 sample(s)"),
        Failed("AttributeError", "'Net' object has no attribute 'fc3'"),
    ],
)
def test_what_is_the_scripts_own_mistake_is_left_to_it(failed: Failed) -> None:
    assert cause_of(failed, NEEDS, "py") is None
