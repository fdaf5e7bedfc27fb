"""Scripts that are hard to read and to edit, each as bytes: for tests of what must never go wrong."""

from __future__ import annotations

NET = """import keras
from keras import layers
model = keras.Sequential([
    layers.Dense(64, activation="relu"),
    layers.Dropout(0.5),
    layers.Dense(10),
])
model.compile(keras.optimizers.Adam(0.001), "mse")
model.fit(x, y, epochs=5, batch_size=32)
"""

STARS = "from os.path import *\nfrom keras.layers import *\n" + NET.replace("layers.D", "D")

EXECUTED = "units = 64\nrate = 0.5\nexec(open('overrides.py').read())\n" + NET.replace("64", "units").replace(
    "0.5", "rate"
)

GLOBALS = "units = 64\nglobals()[name] = 3\nfor k in list(globals()): print(k)\n" + NET.replace("64", "units")

DYNAMIC = """import keras
class Config: pass
config = Config()
for key, value in {"units": 64, "rate": 0.5}.items():
    setattr(config, key, value)
config.depth = 32
build = getattr(keras.layers, "Den" + "se")
model = keras.Sequential([build(config.units), keras.layers.Dense(config.depth), keras.layers.Dense(10)])
model.compile("adam", "mse")
getattr(model, "fit")(x, y, epochs=5)
model.fit(x, y)
"""

DECORATED = """import functools, keras
def timed(function):
    @functools.wraps(function)
    def inside(*args, **kwargs):
        return function(*args, **kwargs)
    return inside
@timed
def train(units=64, rate=0.5, *, epochs=5):
    model = keras.Sequential([keras.layers.Dense(units), keras.layers.Dropout(rate), keras.layers.Dense(10)])
    model.compile("adam", "mse")
    return model.fit(x, y, epochs=epochs)
train(128)
"""

WALRUS = """import keras
if (units := 64) > 3 and (rate := 0.5):
    pass
match units:
    case 64:
        width = 32
    case [a, *rest] | {"b": a, **rest}:
        width = a
    case _:
        width = 16
model = keras.Sequential([
    keras.layers.Dense(units), keras.layers.Dense(width), keras.layers.Dropout((rate2 := 0.25)),
    keras.layers.Dense(10)])
model.compile("adam", "mse"); model.fit(x, y, epochs=(epochs := 5))
"""

SQUEEZED = """import keras; from keras import layers as L; n=64;r=.5
model=keras.Sequential([L.Dense(n),L.Dropout(r),L.Dense(40if x else 16),L.Dropout(1e-1if x else.2)])
model.add(L.Dense(10))
model.compile('adam','mse');h=model.fit(x,y,epochs=5,\\
batch_size=24,verbose=0);print(f"{n} {n!r:>{5}} {h.history['loss'][0]:.2f}")
"""

DEEP = "x = " + "(" * 60 + "1" + ")" * 60 + "\ny = " + "[" * 60 + "]" * 60 + "\n" + NET

NESTED = (
    NET + "\n" + "".join("    " * depth + f"if x{depth}:\n" for depth in range(40)) + "    " * 40 + "n = 64\n"
)

WIDE = NET + "".join(
    f"def f{n}(a, b=2):\n    c = a + {n}\n    return c * b\nv{n} = f{n}({n})\n" for n in range(1250)
)

UNICODE = NET.replace("model", "modèlß")

HOSTILE: dict[str, bytes] = {
    "star imports": STARS.encode(),
    "exec": EXECUTED.encode(),
    "globals": GLOBALS.encode(),
    "dynamic attributes": DYNAMIC.encode(),
    "decorated training": DECORATED.encode(),
    "walrus and match": WALRUS.encode(),
    "semicolons and no blanks": SQUEEZED.encode(),
    "deep brackets": DEEP.encode(),
    "forty levels": NESTED.encode(),
    "five thousand lines": WIDE.encode(),
    "tabs": NET.replace("    ", "\t").encode(),
    "CRLF and form feeds": NET.replace("\n", "\r\n").replace("model.compile", "\x0cmodel.compile").encode(),
    "mixed line ends": NET.replace("\n", "\r\n", 3).replace("])\n", "])\r", 1).encode(),
    "BOM": b"\xef\xbb\xbf" + NET.encode(),
    "a cookie: latin-1": b"# -*- coding: latin-1 -*-\n# gr\xf6\xdfe\n" + NET.encode(),
    "a cookie: cp1251": "# vim: set fileencoding=cp1251 :\n# размер\n".encode("cp1251") + NET.encode(),
    "a cookie: shift-jis": "# coding: shift_jis\n# 大きさ\n".encode("shift_jis") + NET.encode(),
    "names beyond ASCII": UNICODE.encode(),
    "no last line end": NET.rstrip("\n").encode(),
}

UNREADABLE: dict[str, bytes] = {
    "null bytes": NET.encode() + b"\0\n",
    "not UTF-8": NET.encode() + b"# \xff\xfe\n",
    "an unknown cookie": b"# coding: klingon\n" + NET.encode(),
    "a cookie that does not fit": b"# coding: ascii\n# \xc3\xb6\n" + NET.encode(),
    "UTF-16": NET.encode("utf-16"),
    "surrogates": b"x = '\xed\xa0\x80'\n" + NET.encode(),
    "Python 2": b"print 'hello'\n",
    "unbalanced": NET.encode() + b"x = (1,\n",
    "too deep": b"x = " + b"(" * 5000 + b")" * 5000 + b"\n",
    "too deep by signs": b"x = " + b"-" * 100_000 + b"1\n",
}
