"""Recognise handwritten digits with a training loop written by hand."""

import keras
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

EPOCHS = 15
BATCH_SIZE = 32
LEARNING_RATE = 1e-3


class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.convolution = keras.layers.Conv2D(16, 3, padding="same", activation="relu")
        self.pool = keras.layers.MaxPooling2D(2)
        self.flatten = keras.layers.Flatten()
        self.hidden = keras.layers.Dense(48, activation="relu")
        self.dropout = keras.layers.Dropout(0.3)
        self.scores = keras.layers.Dense(10)

    def call(self, images, training=False):
        x = self.pool(self.convolution(images))
        x = self.hidden(self.flatten(x))
        return self.scores(self.dropout(x, training=training))


digits = load_digits()
images = (digits.images[..., None] / 16.0).astype("float32")
x_train, x_test, y_train, y_test = train_test_split(images, digits.target, test_size=0.3, random_state=0)
x_train, x_valid, y_train, y_valid = train_test_split(x_train, y_train, test_size=0.2, random_state=0)
train_data = tf.data.Dataset.from_tensor_slices((x_train, y_train)).shuffle(2000).batch(BATCH_SIZE)

model = Classifier()
optimizer = keras.optimizers.Adam(learning_rate=LEARNING_RATE)
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        loss = loss_of(y, model(x, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss


def accuracy_on(x, y):
    predicted = tf.argmax(model(x, training=False), axis=1)
    return float(tf.reduce_mean(tf.cast(tf.equal(predicted, y), tf.float32)))


for epoch in range(EPOCHS):
    total = 0.0
    for step, (x, y) in enumerate(train_data):
        total += float(train_step(x, y))
    accuracy = accuracy_on(x_valid, y_valid)
    print(f"Epoch {epoch + 1}/{EPOCHS} loss: {total / (step + 1):.4f} val_accuracy: {accuracy:.4f}")

print(f"Test accuracy: {accuracy_on(x_test, y_test):.4f}")
