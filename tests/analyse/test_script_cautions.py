"""What the author is told before anything runs, and what is no reason to worry."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pushtune.analyse.cautions import cautions
from pushtune.analyse.kinds import recognise
from pushtune.analyse.metrics import guess_metric
from pushtune.analyse.reading import Reading
from pushtune.model.analysis import Caution

Write = Callable[..., Reading]

HEAD = """import keras; x = y = x_test = y_test = g = picture = scaler = big = None
model = keras.Sequential()
model.compile('adam', 'mse', metrics=['accuracy'])
"""


def told(write: Write, source: str, **beside: str) -> tuple[Caution, ...]:
    reading = write(source, **beside)
    kind = recognise(reading)
    return cautions(reading, kind, guess_metric(reading, kind))


def codes(write: Write, source: str, **beside: str) -> set[str]:
    return {item.code for item in told(write, source, **beside)}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("model.fit(x, y, epochs=2, validation_data=(x_test, y_test))", "test-as-validation"),
        ("model.fit(x, y, epochs=2)\nmodel.evaluate(x_test, y_test)", "no-validation"),
        ("model.fit(x, y, epochs=2)", "train-metric"),
        ("keras.utils.set_random_seed(1)", "own-seed"),
        ("n = input('how many? ')", "asks-input"),
        ("import sys\nn = int(sys.stdin.readline())", "asks-input"),
        ("from sklearn.model_selection import GridSearchCV\nGridSearchCV(model, {})", "own-search"),
        ("from sklearn.svm import SVC\nSVC(random_state=0)", "own-seed"),
        ("import smtplib\nsmtplib.SMTP('mail.example.org')", "sends-messages"),
        ("open('/ws/accuracy.txt', 'w').write('1')", "writes-outside"),
        ("modell.save('x.keras')", "undefined-name"),
        ("import matplotlib.pyplot as plt\nplt.show()", "opens-window"),
        ("import pandas as pd\npd.read_csv('gone.csv')", "missing-data"),
        ("import pandas as pd\nfolder = 'gone'\npd.read_csv(folder + '/a.csv')", "missing-data"),
        ("import os, torch\nroot = 'gone'\ntorch.load(os.path.join(root, 'a.pt'))", "missing-data"),
        ("from torchvision.datasets import ImageFolder\nImageFolder('gone/train')", "missing-data"),
        ("h = model.fit(x, y, epochs=2)\nprint(h.history['accuracy'][-1])", "train-metric"),
    ],
)
def test_it_says_what_is_wrong(write: Write, body: str, code: str) -> None:
    assert code in codes(write, HEAD + body + "\n")


@pytest.mark.parametrize(
    ("line", "successor"),
    [
        ("from keras.preprocessing.image import ImageDataGenerator", "tensorflow.keras.preprocessing"),
        ("from keras.utils import np_utils", "keras.utils.to_categorical"),
        ("from keras.layers.convolutional import Conv2D", "keras.layers"),
        ("model.fit_generator(g)", ".fit"),
        ("keras.optimizers.Adam(lr=0.1)", "learning_rate"),
        ("model.fit(x, y, nb_epoch=3)", "epochs"),
        ("model.save('net')", ".keras"),
        ("model.save_weights('net.h5')", ".weights.h5"),
        ("from sklearn.cross_validation import train_test_split", "sklearn.model_selection"),
        ("import keras.backend as K; K.int_shape(x)", "tuple(x.shape)"),
        ("import numpy as np; x = np.zeros(3).astype(np.float)", "instead: float (or stay with numpy<1.24)"),
        (
            "h = model.fit(x, y, validation_data=(x, y)); print(h.history['val_acc'])",
            "history['val_accuracy']",
        ),
        ("import pandas as pd; f = pd.DataFrame(); f.append(f)", "pandas.concat"),
        ("import lightgbm as lgb; lgb.train({}, x, verbose_eval=10)", "lightgbm.log_evaluation"),
        (
            "import xgboost; xgboost.XGBClassifier().fit(x, y, early_stopping_rounds=3)",
            "where the model is made",
        ),
        ("from scipy.misc import imread", "imageio"),
        ("from torchtext.legacy import data", "torch.utils.data"),
        ("from datasets import load_metric", "evaluate.load (or stay with datasets<3)"),
        (
            "import pytorch_lightning as pl; t = pl.Trainer.from_argparse_args(args)",
            "pytorch_lightning.Trainer(max_epochs=args.max_epochs, …) (or stay with pytorch-lightning<2)",
        ),
    ],
)
def test_what_current_releases_no_longer_have_comes_with_its_successor(
    write: Write, line: str, successor: str
) -> None:
    found = [item for item in told(write, HEAD + line + "\n") if item.code == "removed-api"]
    assert [item.line for item in found] == [4]
    assert successor in found[0].text


@pytest.mark.parametrize(
    "line",
    [
        "from tensorflow.keras.preprocessing.image import ImageDataGenerator",
        "from keras.preprocessing.image import load_img",
        "from tensorflow.keras import backend as K\nK.int_shape(x)",
        "import numpy as np\nnp.zeros(3, dtype=np.float64)",
        "rows = []\nrows.append(1)",
        "import xgboost\nxgboost.train({}, x, early_stopping_rounds=3)",
        "state = {}\nprint(state['acc'] if 'acc' in state else 0)",
        "keras.optimizers.Adam(learning_rate=0.1)",
        "model.save('net.keras')",
        "model.save_weights('net.weights.h5')",
        "picture.save('net.png')",
        "from keras.layers import Conv2D, BatchNormalization",
        "open('result.txt', 'w').write('x')\nopen('result.txt').read()",
        "import pandas as pd\npd.read_csv('here.csv')",
        "from sklearn.model_selection import train_test_split\ntrain_test_split(x, random_state=0)",
        "from sklearn.utils import shuffle\nshuffle(x, random_state=0)",
        "scaler.fit(x)\nmodel.fit(x, y, epochs=2)",
        "try:\n    ask = raw_input\nexcept NameError:\n    ask = None",
        "exec(open('train.py').read())\nprint(rate)",
        "print([k for k in range(3)], (lambda n: n)(1), __name__, __file__)",
    ],
)
def test_what_is_fine_is_not_complained_about(write: Write, line: str) -> None:
    found = codes(write, HEAD + line + "\nmodel.evaluate(x_test, y_test)\n", here__csv="a\n1\n")
    assert found <= {"no-validation"}


def test_a_framework_that_cannot_be_tuned_yet_is_named(write: Write) -> None:
    found = told(write, "import tensorflow as tf\nx = tf.placeholder(tf.float32)\n")
    assert found[0].code == "framework-not-tunable"
    assert "tensorflow1" in found[0].text
    assert "tensorflow-1" in {item.code for item in found}


def test_an_unknown_framework_is_said(write: Write) -> None:
    assert "unknown-framework" in codes(write, "print(1)\n")


def test_a_name_that_is_missing_where_nothing_can_run_is_no_reason_to_worry(write: Write) -> None:
    assert "undefined-name" not in codes(write, HEAD + "def unused():\n    modell.save('x.keras')\n")
    assert "undefined-name" in codes(write, HEAD + "def used():\n    modell.save('x.keras')\nused()\n")


def test_a_name_that_is_missing_in_another_file_is_told_with_its_place(write: Write) -> None:
    found = told(write, "import net\nnet.make()\n", net__py="def make():\n    return modell\n")
    (caution,) = [one for one in found if one.code == "undefined-name"]
    assert (caution.line, caution.text[:14]) == (0, "net.py line 2:")


def test_hooks_that_lightning_refuses(write: Write) -> None:
    text = """
        import pytorch_lightning as pl
        class Net(pl.LightningModule):
            def validation_epoch_end(self, outputs):
                pass
            def on_train_epoch_end(self):
                pass
        class Helper:
            def test_epoch_end(self, outputs):
                pass
        """
    found = [item for item in told(write, text) if item.code == "removed-api"]
    assert [item.line for item in found] == [4]
    assert "on_validation_epoch_end" in found[0].text
