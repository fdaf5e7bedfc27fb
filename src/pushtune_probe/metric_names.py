"""The names of metrics: many spellings in many languages, one canonical name, and what a prefix tells."""

import re
from typing import Dict, Tuple

SYNONYMS: Dict[str, Tuple[str, ...]] = {
    "accuracy": (
        "accuracy", "acc", "categorical accuracy", "sparse categorical accuracy", "binary accuracy",
        "accuracy score", "classification accuracy", "multiclass accuracy", "accuracy rate",
        "top 1 accuracy", "top1 accuracy", "top 1 acc", "top1 acc", "acc 1", "acc1", "prec 1", "prec1",
        "correct rate", "classification rate", "success rate", "genauigkeit",
        "korrektklassifizierungsrate", "exactitude", "précision globale", "exactitud", "precisión",
        "precision global", "acurácia", "acuracia", "acurácia média", "exatidão", "accuratezza",
        "acuratețe", "acuratețea", "acuratetea", "nauwkeurigheid", "noggrannhet", "nøjagtighed",
        "nøyaktighet", "tarkkuus", "dokładność", "dokladnosc", "přesnost", "presnost", "pontosság",
        "ακρίβεια", "точность", "точности", "доля правильных ответов", "точність", "doğruluk",
        "dogruluk", "doğruluk oranı", "başarı oranı", "akurasi", "ketepatan", "độ chính xác",
        "ความแม่นยำ", "الدقة", "دقة", "सटीकता", "准确率", "准确度", "正确率", "精度", "識別精度",
        "分類精度", "準確率", "準確度",
        "正確率", "正解率", "正答率", "정확도", "정확률", "정답률",
    ),
    "balanced_accuracy": ("balanced accuracy", "balanced accuracy score", "balanced acc"),
    "top_k_accuracy": (
        "top k accuracy", "top k categorical accuracy", "sparse top k categorical accuracy",
        "top k accuracy score", "top 5 accuracy", "top5 accuracy", "top 5 acc", "top5 acc", "acc 5",
        "acc5", "prec 5", "prec5", "top 3 accuracy",
    ),
    "f1": (
        "f1", "f1 score", "f score", "fscore", "f measure", "f1 measure", "f1 macro", "macro f1",
        "f1 micro", "micro f1", "macro f1 score", "micro f1 score", "mesure f1", "f1 wert", "f1 値",
        "f1值", "f1 분수", "f1 점수",
    ),
    "f1_weighted": ("f1 weighted", "weighted f1", "weighted f1 score"),
    "auc": (
        "auc", "roc auc", "roc auc score", "auroc", "rocauc", "auc roc", "roc auc value",
        "area under curve",
    ),
    "average_precision": ("average precision", "average precision score", "auprc", "pr auc", "ap score"),
    "map": ("map", "map50", "map 50", "map 50 95", "mean average precision"),
    "precision": (
        "precision", "precision score", "precisão", "precisione", "précision", "精确率", "精確率", "查准率",
        "適合率", "정밀도", "presisi", "kesinlik", "präzision",
    ),
    "recall": (
        "recall", "recall score", "sensitivity", "true positive rate", "tpr", "召回率", "再現率", "재현율",
        "rappel", "duyarlılık", "полнота", "sensitivität", "sensibilidad", "sensibilité",
    ),
    "specificity": ("specificity", "true negative rate", "tnr", "spezifität", "especificidad", "特异度"),
    "iou": (
        "iou", "miou", "mean iou", "m iou", "binary iou", "jaccard", "jaccard score", "jaccard index",
        "intersection over union", "mean intersection over union",
    ),
    "dice": ("dice", "dice score", "dice coef", "dice coefficient", "dsc", "mean dice"),
    "matthews": (
        "mcc", "matthews corrcoef", "matthews correlation", "matthews correlation coefficient",
        "phi coefficient",
    ),
    "kappa": (
        "kappa", "cohen kappa", "cohen kappa score", "cohens kappa", "cohen s kappa", "qwk",
        "quadratic weighted kappa",
    ),
    "pearson": ("pearson", "pearsonr", "pearson correlation", "pearson r"),
    "spearman": ("spearman", "spearmanr", "spearman correlation"),
    "r2": (
        "r2", "r2 score", "r²", "r² score", "r squared", "rsquared", "r squared score", "r 2",
        "coefficient of determination", "bestimmtheitsmaß", "coefficient de détermination",
        "coeficiente de determinación", "coeficiente de determinação", "коэффициент детерминации",
        "決定係数", "결정계수", "决定系数",
    ),
    "explained_variance": ("explained variance", "explained variance score"),
    "mae": (
        "mae", "mean absolute error", "mean abs error", "mittlerer absoluter fehler",
        "erreur absolue moyenne", "error absoluto medio", "erro absoluto médio",
        "errore assoluto medio", "平均絶対誤差", "平均绝对误差", "평균 절대 오차",
    ),
    "mse": (
        "mse", "mean squared error", "mean square error", "mittlerer quadratischer fehler",
        "erreur quadratique moyenne", "error cuadrático medio", "erro quadrático médio",
        "errore quadratico medio", "平均二乗誤差", "均方误差", "평균 제곱 오차",
    ),
    "rmse": (
        "rmse", "root mean squared error", "root mean square error", "rms error", "rmsd", "均方根误差",
        "二乗平均平方根誤差",
    ),
    "rmsle": ("rmsle", "root mean squared log error", "root mean squared logarithmic error", "msle"),
    "mape": ("mape", "mean absolute percentage error", "smape"),
    "logloss": (
        "log loss", "logloss", "mlogloss", "multi logloss", "binary logloss", "cross entropy",
        "cross entropy loss", "binary crossentropy", "categorical crossentropy", "crossentropy",
        "sparse categorical crossentropy", "brier score", "brier score loss",
    ),
    "perplexity": ("perplexity", "ppl", "perplexité", "perplexität", "困惑度"),
    "nll": ("nll", "negative log likelihood", "nll loss"),
    "elbo": ("elbo",),
    "bleu": ("bleu", "bleu score", "sacrebleu", "bleu 4"),
    "rouge": ("rouge", "rouge l", "rougel", "rouge score"),
    "rouge1": ("rouge1", "rouge 1"),
    "rouge2": ("rouge2", "rouge 2"),
    "meteor": ("meteor",),
    "wer": ("wer", "word error rate"),
    "cer": ("cer", "character error rate"),
    "psnr": ("psnr",),
    "ssim": ("ssim",),
    "fid": ("fid", "frechet inception distance"),
    "ndcg": ("ndcg", "ndcg score"),
    "mrr": ("mrr", "mean reciprocal rank"),
    "silhouette": ("silhouette", "silhouette score", "silhouette coefficient"),
    "adjusted_rand": ("adjusted rand", "adjusted rand score", "adjusted rand index", "ari"),
    "v_measure": (
        "v measure", "v measure score", "nmi", "normalized mutual information",
        "normalized mutual info score",
    ),
    "loss": (
        "loss", "average loss", "avg loss", "mean loss", "total loss", "cost", "verlust", "perte",
        "coût", "pérdida", "perdida", "coste", "costo", "perda", "custo", "perdita", "strata", "ztráta",
        "verlies", "потери", "потеря", "функция потерь", "kayıp", "kayip", "kerugian", "损失", "損失", "손실",
        "誤差関数", "損失関数", "损失函数",
    ),
    "error": (
        "error", "error rate", "err", "misclassification error", "misclassification rate", "merror",
        "test error rate", "classification error", "top 1 error", "top1 error", "zero one loss",
        "hamming loss", "fehlerrate", "fehler", "taux d'erreur", "tasa de error", "taxa de erro",
        "tasso di errore", "ошибка", "hata oranı", "hata", "错误率", "錯誤率", "誤差率", "誤り率",
        "エラー率", "오류율",
        "오차율",
    ),
    "reward": ("average reward", "mean reward", "total reward", "episode reward", "avg reward"),
}  # fmt: skip
"""Keys are canonical. A name matches by its words, in lower case, after the split prefix is cut."""

FRACTIONS = frozenset(
    (
        "accuracy", "balanced_accuracy", "top_k_accuracy", "f1", "f1_weighted", "auc", "average_precision",
        "map", "precision", "recall", "specificity", "iou", "dice",
    )
)  # fmt: skip
"""Metrics between 0 and 1: a value beyond 1 was printed as a percentage."""

_SPLITS = {
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
    "cv": "validation", "oob": "validation", "test": "test", "testing": "test", "holdout": "test",
    "train": "train", "training": "train", "eval": "unknown", "final": "unknown", "model": "unknown",
    "mean": "unknown", "overall": "unknown", "avg": "unknown", "average": "unknown", "epoch": "unknown",
    "total": "unknown",
}  # fmt: skip

_SUFFIXES = ("mean", "avg", "average", "value")

BEST_WORDS = frozenset(
    (
        "best", "highest", "lowest", "max", "min", "maximum", "minimum", "beste", "bestes", "mejor", "melhor",
        "meilleure", "meilleur", "migliore", "лучшая", "최고", "最高", "最佳", "最好",
    )
)  # fmt: skip
BEST = "best_"
"""Before the canonical name of a value that is the best of several, not the last one."""

_CANONICAL = {spelling: name for name, spellings in SYNONYMS.items() for spelling in spellings}


def canonical_metric(name: str) -> Tuple[str, str]:
    """Return the metric's canonical name and the split that its own words tell, or ``"unknown"``.

    ``val_acc`` gives ``("accuracy", "validation")``, ``best_val_acc`` gives ``("best_accuracy",
    "validation")``; a name nobody knows comes back in lower case with underscores, its prefixes cut.
    """
    words = [word for word in re.split(r"[\W_]+", name.lower()) if word]
    split, best = "unknown", ""
    while True:
        known = _CANONICAL.get(" ".join(words))
        if known:
            return best + known, split
        # Only then is the first word a prefix: "mean" is none in "mean absolute error".
        if len(words) > 1 and words[0] in BEST_WORDS and not best:
            best = BEST
            words.pop(0)
        elif len(words) > 1 and words[0] in _SPLITS:
            told = _SPLITS[words.pop(0)]
            split = told if split == "unknown" else split
        elif len(words) > 1 and words[-1] in _SUFFIXES:
            words.pop()
        else:
            return best + "_".join(words), split


def is_known(name: str) -> bool:
    """Whether everybody knows the metric with this canonical name, or the one that it is the best of."""
    return name.partition(BEST)[2] in SYNONYMS if name.startswith(BEST) else name in SYNONYMS


def same_metric(wanted: str, name: str) -> bool:
    """Whether ``name``, as reported, is the metric that the developer calls ``wanted``."""
    asked, asked_split = canonical_metric(wanted)
    given, given_split = canonical_metric(name)
    return asked == given and asked_split in ("unknown", given_split)
