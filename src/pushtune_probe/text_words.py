"""Which part of the data the words of a printed line speak of, and which lines speak of a part only."""

import functools
import re
from typing import Dict, Tuple

_WORDS: Dict[str, Tuple[str, ...]] = {
    "train": (
        "train", "training", "trn", "trainings", "trainset", "in-sample", "insample", "entrenamiento",
        "entraînement", "entrainement", "addestramento", "treino", "treinamento", "eğitim", "egitim", "latih",
        "pelatihan", "trening", "treningowy", "обучении", "обучающей", "обучения", "тренировочной",
        "训练", "訓練",
        "学習", "훈련", "학습",
    ),
    "validation": (
        "val", "valid", "validation", "dev", "cv", "cross-validation", "cross validation", "crossval",
        "k-fold",
        "kfold", "fold", "oob", "out-of-bag", "validierung", "validierungs", "validación", "validacion",
        "validação", "validacao", "validazione", "convalida", "validatie", "validasi", "doğrulama",
        "dogrulama",
        "валидации", "валидационной", "walidacja", "kreuzvalidierung", "验证", "驗證", "検証", "검증",
    ),
    "test": (
        "test", "testing", "tst", "testdaten", "testset", "tests", "holdout", "hold-out", "held-out",
        "heldout",
        "unseen", "out-of-sample", "prueba", "pruebas", "teste", "testes", "uji", "pengujian", "testowy",
        "testowym", "тест", "тесте", "тестовой", "тестовых", "тестирования", "测试", "測試", "テスト",
        "評価用",
        "테스트", "시험",
    ),
}  # fmt: skip

SPLIT_WORDS = {word: split for split, words in _WORDS.items() for word in words}
# Frameworks evaluate on validation and on test data under this name; it is not the training data before it.
SPLIT_WORDS["eval"] = SPLIT_WORDS["evaluation"] = "unknown"

# Chinese, Japanese and Korean put no space between words: there a word may begin or end anywhere.
_UNSPACED = r"\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af"
START = r"(?:(?<![^\W_])|(?=[%s]))" % _UNSPACED
END = r"(?:(?![^\W_])|(?<=[%s]))" % _UNSPACED
SPLITS = "|".join(
    re.escape(word).replace("\\-", "[-_ ]") for word in sorted(SPLIT_WORDS, key=len, reverse=True)
)
_SPLIT = START + "(%s)" % SPLITS + END

# "after training", "training took 3 s", "std dev": words that tell no data. Bounded, so that it stays linear.
_NO_SPLIT = (
    r"\b(?:after|finish(?:ed)?|end of|done|complet\w{1,4}|stop(?:ped)?|during|before)\s{1,3}(?:the\s{1,3})?"
    r"train(?:ing)?\b"
    r"|\btraining\s{1,3}(?:is\s|has\s|was\s)?(?:finished|complete\w{0,3}|done|ended|over|took|time|loop|samples)\b"
    r"|\bstd\.?[ _]dev\b|\btest(?:ed)? (?:size|time)\b|\btrain(?:ing)? (?:size|time)\b"
)
_COUNTER = (
    r"(?<![^\W_])(?:steps?|batch|iter|iterations?|mini-?batch|global_step)(?![^\W_])\s{0,3}[:#=\[(]{0,2}\s{0,3}\d"
    r"|\d\s?(?:it|batch|batches|samples|examples)/s(?![^\W_])|\[\s{0,5}\d{1,9}/\d{1,9}\s\(\s{0,3}\d{1,3}(?:\.\d)?%\)\]"
)
_OF_FOLDS = (
    r"\b(?:fold|folds|k-?fold|cv|cross|crossval\w{0,6}|scores|kreuz\w{0,12}|validación cruzada)\b|_cv_|\bcv_"
)
_WHOLE_WORDS = """
    a across after all and any at avg average by complete current data dataset datapoints default each
    entire epoch epochs eval evaluation examples far final for full held holdout image images in input
    inputs instances is its k latest learned loaded mean model models net network neural nn new of on
    out our over overall own points predicted prediction predictions record records rows sample samples
    sentences set sets so split splits subset test tested testing texts that the this total train
    trained training trainset testset unseen using val valid validation value values whole with my
    classifier regressor classification regression system algorithm best machine learning cnn rnn mlp
    dnn ann lstm gru resnet documents tweets reviews pairs queries tokens words auf den dem der die das
    testdaten trainingsdaten modell modells netz netzes bildern bilder sur le la les de du des modèle
    réseau données jeu en el los las modelo red datos conjunto imágenes del della dei sul modello rete
    dati o do da dos no na rede dados на тесте тестовой выборке модели данных
"""
_WHOLE = frozenset(_WHOLE_WORDS.split())


@functools.lru_cache(maxsize=None)
def pattern(source: str) -> "re.Pattern[str]":
    """Compile when first needed: a script that prints no number pays nothing.

    Text is matched in lower case: ignoring case makes hundreds of alternatives ten times slower.
    """
    return re.compile(source)


def split_in(text: str) -> str:
    """Return the split that ``text``, in lower case, names last; ``""`` if it names none."""
    text = pattern(_NO_SPLIT).sub(" ", text.replace("_", " "))
    words = pattern(_SPLIT).findall(text)
    return split_called(words[-1]) if words else ""


def split_called(word: str) -> str:
    """Return the split that ``word`` names, written with hyphens, blanks or underscores."""
    return SPLIT_WORDS.get(word) or SPLIT_WORDS.get(re.sub(r"[-_ ]", "-", word), "unknown")


def counts_batches(line: str) -> bool:
    """Whether a line tells how far an epoch has come: what it measures is the batch just trained on."""
    return pattern(_COUNTER).search(line) is not None


def tells_of_folds(line: str) -> bool:
    """Whether a list of numbers on the line holds one for each fold."""
    return pattern(_OF_FOLDS).search(line) is not None


def is_of_a_part(qualifier: str) -> bool:
    """Whether ``qualifier`` (``of cat``) names something smaller than the whole test set.

    ``of the network on the 10000 test images`` does not; ``for class 3`` does; so do names nobody knows.
    """
    words = re.findall(r"[^\W\d_]+", qualifier)
    return any(word not in _WHOLE and word not in SPLIT_WORDS for word in words)


def names_a_class(text: str) -> bool:
    """Whether ``text`` says itself that it is about one class."""
    return (
        pattern(r"(?<![^\W_])(?:class|label|digit|category|klasse|clase|classe)[\s:#_=-]{1,3}\w").search(text)
        is not None
    )
