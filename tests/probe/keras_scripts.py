"""Training scripts that know nothing of the probe, for the tests of the Keras hooks.

Each trains a tiny model on made-up images and prints, last of all, ``HASH`` and a digest of its final
weights and its whole history. ``KILL=fit:epoch:batch`` in the environment (numbers from 1, 0, 0) makes
its process kill itself there, as ``kill -9`` would.
"""

_HEAD = """
import hashlib, os, random
import numpy as np
import keras
from keras import layers

rng = np.random.default_rng(0)
x = rng.normal(size=(96, 8, 8, 1)).astype("float32")
y = (x.mean(axis=(1, 2, 3)) > 0).astype("int32")

class Killed(keras.callbacks.Callback):
    def __init__(self, fit):
        super().__init__()
        self.fit = fit
    def on_epoch_begin(self, epoch, logs=None):
        self.at = epoch
    def on_train_batch_begin(self, batch, logs=None):
        if os.environ.get("KILL") == "%d:%d:%d" % (self.fit, self.at, batch):
            os.kill(os.getpid(), 9)

def digest(model, *facts):
    weights = b"".join(weight.tobytes() for weight in model.get_weights())
    return hashlib.sha256(weights + repr(facts).encode()).hexdigest()[:16]
"""

TWO_FITS = (
    _HEAD
    + """
model = keras.Sequential([
    layers.RandomFlip(), layers.RandomRotation(0.1), layers.Conv2D(4, 3, activation="relu"),
    layers.Flatten(), layers.Dropout(0.3), layers.Dense(2, activation="softmax"),
])

def callbacks(fit):
    return [
        keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(patience=1, min_delta=0.05),
        keras.callbacks.CSVLogger("log%d.csv" % fit),
        keras.callbacks.ModelCheckpoint("best%d.keras" % fit, save_best_only=True),
        Killed(fit),
    ]

model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
first = model.fit(x, y, epochs=4, validation_split=0.2, callbacks=callbacks(1), verbose=0)
model.load_weights("best1.keras")
model.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
second = model.fit(x, y, epochs=6, validation_data=(x[:50], y[:50]), callbacks=callbacks(2), verbose=0)
print("HASH", digest(model, first.history, second.history, second.epoch, model.evaluate(x, y, verbose=0)))
"""
)
"""Augmentation, dropout, early stopping, a falling learning rate, logs, and two calls of fit."""

DATA_KINDS = (
    _HEAD
    + """
import tensorflow as tf
from keras.src.legacy.preprocessing.image import ImageDataGenerator

class Watching(Killed):
    def __init__(self, fit):
        super().__init__(fit)
        self.seen, self.drawn = [], []
    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(float(logs["loss"]))
        if self.fit < 5:  # a generator of batches reads ahead: beside it such a draw is a race anyway
            self.drawn.append(float(np.random.rand()))

digests = []

def train(fit, *data, **options):
    model = keras.Sequential([
        layers.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu"), layers.Flatten(),
        layers.Dropout(0.3), layers.Dense(2, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    watching = Watching(fit)
    history = model.fit(*data, epochs=3, verbose=0, callbacks=[watching], **options)
    digests.append(digest(model, history.history, watching.seen, watching.drawn))
    print(fit, digests[-1], flush=True)

generator = tf.random.get_global_generator()

def augment(image, label):
    noise = tf.random.uniform(tf.shape(image)) + generator.normal(tf.shape(image))
    return image + 0.1 * noise, label

table = tf.data.Dataset.from_tensor_slices((x, y))
shuffled = table.cache().shuffle(96).map(augment).batch(16).prefetch(2)
train(1, shuffled, validation_data=table.take(32).shuffle(32).batch(16))
train(2, table.shuffle(96).repeat().map(augment).batch(16), steps_per_epoch=4, validation_data=(x, y))

class Batches(keras.utils.PyDataset):
    def __init__(self, **options):
        super().__init__(**options)
        self.order = np.arange(96)
    def __len__(self):
        return 6
    def __getitem__(self, index):
        rows = self.order[16 * index : 16 * index + 16]
        noise = np.random.rand(16, 1, 1, 1) if self.workers == 1 else 0.1
        return x[rows] + np.float32(noise), y[rows]
    def on_epoch_end(self):
        np.random.shuffle(self.order)

train(3, Batches())
train(4, Batches(workers=2), validation_data=Batches())

def batches():
    while True:
        rows = np.random.randint(0, 96, 16)
        random.random()
        yield x[rows], y[rows]

train(5, batches(), steps_per_epoch=5)
random.seed(6), np.random.seed(6)  # the generator above has read ahead by as much as time allowed
images = ImageDataGenerator(horizontal_flip=True, rotation_range=20, width_shift_range=0.1)
train(6, images.flow(x, y, batch_size=16), validation_data=(x, y))
print("HASH", *digests)
"""
)
"""One fit on each kind of data."""

IMAGE_FOLDER = (
    _HEAD
    + """
from PIL import Image
from keras.src.legacy.preprocessing.image import ImageDataGenerator

for name in "ab":
    os.makedirs("images/" + name, exist_ok=True)
    for number in range(20):
        pixels = (np.random.default_rng(number).random((8, 8)) * 255).astype("uint8")
        Image.fromarray(pixels).save("images/%s/%d.png" % (name, number))
model = keras.Sequential([layers.Input((8, 8, 1)), layers.Flatten(), layers.Dropout(0.3), layers.Dense(1)])
model.compile("adam", "mse")
flow = ImageDataGenerator(horizontal_flip=True, rescale=1 / 255).flow_from_directory(
    "images", target_size=(8, 8), color_mode="grayscale", class_mode="binary", batch_size=8)
history = model.fit(flow, epochs=4, verbose=0, callbacks=[Killed(1)])
print("HASH", digest(model, history.history))
"""
)
"""``flow_from_directory``."""

REPORTED = (
    _HEAD
    + """
keras.utils.set_random_seed(3)
epochs = int(os.environ.get("EPOCHS", "6"))
x_test, y_test = x[80:], y[80:]
model = keras.Sequential([layers.Flatten(), layers.Dropout(0.2), layers.Dense(2, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
stopping = keras.callbacks.EarlyStopping(patience=1, min_delta=1.0, restore_best_weights=True)
stopping.patience = 100
history = model.fit(x[:48], y[:48], epochs=epochs, validation_data=(x[48:80], y[48:80]),
                    callbacks=[stopping], verbose=2)
measured = [model.evaluate(x[:48], y[:48], verbose=0), model.evaluate(x[48:80], y[48:80], verbose=0),
            model.evaluate(x_test, y_test, verbose=0)]
print("HASH", digest(model, history.history, history.epoch, model.stop_training, measured))
"""
)
"""One fit with validation data, and evaluations on what it trained on, watched, and never saw."""

DIVERGING = (
    _HEAD
    + """
model = keras.Sequential([layers.Flatten(), layers.Dense(1)])
model.compile(keras.optimizers.SGD(1e30), "mse")
model.fit(x, y, epochs=50, verbose=0)
print("never reached")
"""
)
"""A learning rate that makes the loss infinite."""

HIDDEN_STATE = (
    _HEAD
    + """
import tensorflow as tf

class Noise(layers.Layer):
    def call(self, inputs):
        return inputs + tf.random.normal(tf.shape(inputs))

model = keras.Sequential([layers.Flatten(), Noise(), layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, y, epochs=1, verbose=0)
model.train_on_batch(x, y)
"""
)
"""Draws that no checkpoint can hold: a kernel's own state, and a training loop of the script's own."""
