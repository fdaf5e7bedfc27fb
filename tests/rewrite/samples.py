"""Training scripts in many styles, each as bytes, for tests that look at all of them."""

from __future__ import annotations

SEQUENTIAL = '''"""A CNN on digits. 😀"""
from __future__ import print_function
import keras
from keras.models import Sequential
from keras.layers import Dense, Dropout, Flatten, Conv2D, MaxPooling2D

batch_size = 128
num_classes = 10
epochs = 12
SEED = 7
keras.utils.set_random_seed(SEED)

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train = x_train.reshape(x_train.shape[0], 28, 28, 1)
y_train = keras.utils.to_categorical(y_train, num_classes)

model = Sequential()
model.add(Conv2D(32, kernel_size=(3, 3),
                 activation='relu',  # the first one
                 input_shape=(28, 28, 1)))
model.add(Conv2D(64, (3, 3), activation="relu"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(128, activation='relu'))
model.add(Dropout(.5))
model.add(Dense(num_classes, activation='softmax'))

model.compile(loss='categorical_crossentropy',
              optimizer='adam',
              metrics=['accuracy'])
history = model.fit(x_train, y_train,
          batch_size=batch_size,
          epochs=epochs,
          validation_data=(x_test, y_test))
print(model.evaluate(x_test, y_test, verbose=0))
'''

FUNCTIONAL = """import argparse
import tensorflow as tf
from tensorflow.keras import layers

parser = argparse.ArgumentParser()
parser.add_argument('--units', type=int, default=64)
parser.add_argument("--lr", type=float, default=1e-3, help="größe")
parser.add_argument('--epochs', type=int, default=5)
parser.add_argument('--seed', type=int, default=42)
args = parser.parse_args()
tf.random.set_seed(args.seed)
CLASSES = 10; KERNEL = 3

def build(filters=32, rate=0.3):
    inputs = tf.keras.Input(shape=(28, 28, 1))
    x = layers.Conv2D(filters, KERNEL, padding="same", activation="relu")(inputs)
    x = layers.Conv2D(filters * 2, (KERNEL, KERNEL), activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(args.units, activation="relu", kernel_regularizer=tf.keras.regularizers.l2(1e-4))(x)
    x = layers.Dropout(rate)(x)
    outputs = layers.Dense(CLASSES, activation="softmax")(x)
    return tf.keras.Model(inputs, outputs)

model = build(rate=0.4)
opt = tf.keras.optimizers.SGD(learning_rate=args.lr, momentum=0.9, clipnorm=1.0)
model.compile(optimizer=opt, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=args.epochs)
"""

LISTED = """from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import *
name = "変数😀"; widths = {"lstm": 64, 'dense': 32}
model = Sequential([
\tEmbedding(20000, 128, input_length=100),
\tBidirectional(LSTM(widths["lstm"], dropout=0.2)),
\t"😀" and Dropout(0.5),  # not 0.9
\tDense(widths['dense'], activation="tanh",),
\tDense(1, activation='sigmoid'),
])
model.compile('rmsprop', 'binary_crossentropy', metrics=['accuracy'],)
model.fit(x, y,
\tepochs=4,
\t# all of it
\t)
print(f"{name!r:>{10}} {0.5:.2f}")
"""

FOREST = """from sklearn.ensemble import RandomForestClassifier, GradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.model_selection import train_test_split
SEED = 3
a, b, c, d = train_test_split(X, y, test_size=0.2, random_state=SEED)
params = {"n_estimators": 500, "max_depth": 4, 'learning_rate': 0.01, "random_state": SEED}
print(GradientBoostingClassifier(**params).fit(a, c).score(b, d))
forest = RandomForestClassifier(
    random_state=SEED,
    n_jobs=2,  # both
)
forest.fit(a, c)
svm = make_pipeline(StandardScaler(), SVC(C=10, gamma=.1, kernel="rbf" if a is None else"poly")).fit(a, c)
empty = RandomForestClassifier( ).fit(a, c)
split = RandomForestClassifier(max_depth=3, \\
    n_estimators=20).fit(a, c)
"""

SEARCHED = """from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
pipe = Pipeline([('net', MLPClassifier(hidden_layer_sizes=(30, 20), solver='sgd', momentum=.5))])
pipe.set_params(net__alpha=1e-3, net__batch_size = 16)
pipe.fit(X, y)
one = SVC(C=4, class_weight="balanced", gamma='scale').fit(X, y)
search = GridSearchCV(SVC(kernel='poly'), {'C': [0.5, 8], "degree": [2, 3]}).fit(X, y)
line = SGDClassifier(penalty='elasticnet', l1_ratio=0.25, alpha=1e-4).fit(X, y)
"""

SUMMED = """import keras
from keras import layers
from keras.callbacks import LearningRateScheduler
def rate(epoch):
    lr = 1e-2
    if epoch > 20: lr *= .1
    elif epoch > 10:
        lr *= 0.5
    return lr
def block(x, filters = 16):
    return layers.Conv2D(filters, 3, padding='same', activation="relu")(x)
i = keras.Input((8, 8, 1))
width = 16
x = layers.add([block(i), block(i, width)])
x = layers.Dropout(0.2)(layers.Flatten()(x))
model = keras.Model(i, layers.Dense(10)(x))
model.compile("adam", "mse")
model.fit(x_train, y_train, epochs=30, batch_size=8, callbacks=[LearningRateScheduler(rate)])
"""

SAMPLES: dict[str, bytes] = {
    "sequential": SEQUENTIAL.encode(),
    "sequential, CRLF": SEQUENTIAL.replace("\n", "\r\n").encode(),
    "sequential, BOM and no last line end": b"\xef\xbb\xbf" + SEQUENTIAL.rstrip("\n").encode(),
    "functional": FUNCTIONAL.encode(),
    "functional, latin-1": b"# -*- coding: latin-1 -*-\n" + FUNCTIONAL.encode("latin-1"),
    "functional, lone carriage returns": FUNCTIONAL.replace("\n", "\r").encode(),
    "listed, tabs": LISTED.encode(),
    "listed, CRLF": LISTED.replace("\n", "\r\n").encode(),
    "searched": SEARCHED.encode(),
    "summed, CRLF": SUMMED.replace("\n", "\r\n").encode(),
    "forest": FOREST.encode(),
    "forest, form feeds": FOREST.replace("SEED = 3\n", "\x0cSEED = 3\n\x0c\n").encode(),
}
