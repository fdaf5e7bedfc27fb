"""What a script prints, logs and writes of its metrics: which, and on which part of the data."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pushtune.analyse.reading import Reading
from pushtune.analyse.shown_metrics import shown_metrics

Write = Callable[..., Reading]


def shown(write: Write, source: str) -> list[tuple[str, str, str]]:
    return [(item.name, item.split, item.direction) for item in shown_metrics(write(source))]


HELD_OUT = "test_data = 1\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("print('Test accuracy:', acc)", [("accuracy", "test", "max")]),
        ("print(f'val_loss={loss:.4f}')", [("loss", "validation", "min")]),
        ("print('train loss %f, test acc %.2f%%' % (a, b))",
         [("loss", "train", "min"), ("accuracy", "test", "max")]),
        ("print('Test {}: loss {:.2f}, acc {:.1%}'.format(i, a, b))",
         [("loss", "test", "min"), ("accuracy", "test", "max")]),
        ("print('F1 ' + str(round(f, 3)))", [("f1", "unknown", "max")]),
        ("print(test_acc)", [("accuracy", "test", "max")]),
        ("print(f'Mixed Precision: {amp}')", []),
        ("print('d_loss: %.3f, D(x): %.2f, D(G(z)): %.2f' % (e, real_score, fake_score))",
         [("loss", "unknown", "min")]),
        ("def progress_bar(i, text):\n    bar.draw(text)\nprogress_bar(3, 'test Acc: %.3f%%' % a)",
         [("accuracy", "test", "max")]),
        ("def login(text):\n    pass\nlogin(f'test acc {a}')", []),
        ("def progress_bar(i, text):\n    bar.draw(text)\nprogress_bar(a, 'accuracy')", []),
        ("print('R²:', r)", [("r2", "unknown", "max")]),
        ("print('Mean squared error:', e)", [("mse", "unknown", "min")]),
        ("print('test error:', e)", [("error", "test", "min")]),
        ("print({'eval_accuracy': a})", [("accuracy", "validation", "max")]),
        ("import logging\nlogging.info('valid auc %.3f', a)", [("auc", "validation", "max")]),
        ("logger.info(f'test acc {a}')", [("accuracy", "test", "max")]),
        ("writer.add_scalar('Loss/train', a, 3)", [("loss", "train", "min")]),
        ("wandb.log({'val/accuracy': a})", [("accuracy", "validation", "max")]),
        ("bar.set_postfix(loss=a)", [("loss", "unknown", "min")]),
        ("line = f'test acc {a}'\nprint(line)", [("accuracy", "test", "max")]),
        ("print('测试集准确率:', a)", [("accuracy", "test", "max")]),
        ("print('정확률 =', a * 100, '%')", [("accuracy", "unknown", "max")]),
        ("print('Training finished, accuracy', a)", [("accuracy", "unknown", "max")]),
        ("print('Accuracy: {}/{} ({:.0f}%)'.format(right, total, 100 * c / t))",
         [("accuracy", "unknown", "max")]),
        # The total counts and not its classes; the last one and not the best.
        ("print('Accuracy', a)\nprint('Accuracy of %s : %d' % (name, b))", [("accuracy", "unknown", "max")]),
        ("print('val acc', a)\nprint('best val acc', b)", [("accuracy", "validation", "max")]),
        # No metrics:
        ("print('now the accuracy')", []),
        ("print('Epoch', epoch, 'of', epochs)", []),
        ("print('accuracy: 0.9')", []),
        ("print(model, optimizer)", []),
    ],
)  # fmt: skip
def test_a_line_is_read_for_its_metrics(write: Write, line: str, expected: list[object]) -> None:
    assert shown(write, HELD_OUT + line + "\n") == expected


@pytest.mark.parametrize(
    ("body", "split"),
    [
        # What the value was computed from:
        ("for x, y in test_loader:\n    correct += x\nacc = correct / 9\nprint('acc', acc)", "test"),
        ("pred = model(X_test)\nacc = (pred == y).mean()\nprint('acc', acc)", "test"),
        ("hits = []\nfor x in val_set:\n    hits.append(x)\nprint('acc', sum(hits) / 9)", "validation"),
        ("acc = evaluate(model)\nprint('acc', acc)", "test"),
        ("acc = measure(model, train_loader)\nprint('acc', acc)", "train"),
        ("preds = bst.predict(dtest)\nprint('error=%f' % (sum(preds != y) / 9))", "test"),
        (
            "for phase in ['train', 'val']:\n    for x in data[phase]:\n        n = x\n"
            "    print('{} acc {}'.format(phase, n / 9))",
            "validation",
        ),
        # What a function is for, what it goes through, and what it is given:
        (
            "def score(model):\n    for x in val_set:\n        n = x\n    return n\nprint('acc', score(m))",
            "validation",
        ),
        ("def test():\n    acc = run()\n    print('acc', acc)", "test"),
        ("def train():\n    print('loss', loss.item())", "train"),
        (
            "def check(data):\n    for x in data:\n        n = x\n    print('acc', n / 9)\ncheck(test_set)",
            "test",
        ),
        (
            "def check(data):\n    n = len(data)\n    print('acc', n)\ncheck(train_set)\ncheck(val_set)",
            "validation",
        ),
        ("with torch.no_grad():\n    print('acc', acc)", "test"),
        # What is trained on:
        ("loss = criterion(out, y)\nloss.backward()\nprint('loss', loss.item())", "train"),
        ("print('acc', acc)", "unknown"),
    ],
)
def test_where_the_words_do_not_tell_the_data_its_way_does(write: Write, body: str, split: str) -> None:
    assert [item[1] for item in shown(write, HELD_OUT + body + "\n")] == [split]


def test_a_script_without_held_out_data_measures_on_its_training_data(write: Write) -> None:
    source = (
        "s.fit(digit.data, digit.target)\nres = s.predict(digit.data)\nprint('acc', sum(res) / len(res))\n"
    )
    assert shown(write, source) == [("accuracy", "train", "max")]


def test_the_same_name_in_train_and_test_is_told_apart(write: Write) -> None:
    source = """
        def train(loader):
            for x in loader:
                loss = criterion(x)
                loss.backward()
                print('loss', loss.item())
        def test(loader):
            for x in loader:
                loss = criterion(x)
            print('loss', loss.item())
        train(train_loader)
        test(test_loader)
    """
    assert [item[1] for item in shown(write, source)] == ["train", "test"]


def test_a_value_that_is_made_of_itself_comes_to_an_end(write: Write) -> None:
    body = "def halve(x):\n    y = halve(x)\n    z = y\n    print('loss', {})\n    return z\n"
    for shown_value in ("x", "y", "z"):
        assert shown(write, body.format(shown_value)) == [("loss", "train", "min")]


@pytest.mark.parametrize(
    ("key", "split"), [("accuracy", "train"), ("val_accuracy", "validation"), ("loss", "train")]
)
def test_what_fit_recorded_tells_its_data_by_the_key(write: Write, key: str, split: str) -> None:
    body = (
        "import keras\n\ndef validate(done):\n    kept = done.history\n"
        f"    best = kept['{key}'][-1] * 100\n    print('{key} of this iteration is:', best)\n"
        "validate(model.fit(x, y))\nprint(test_data)\n"
    )
    assert [found[1] for found in shown(write, body) if found[0] != "unknown"] == [split]


def test_functions_that_hand_a_value_to_themselves_come_to_an_end(write: Write) -> None:
    source = (
        f"{HELD_OUT}def show(values):\n    show(values)\n    for value in values:\n"
        "        print('accuracy', value)\nshow(scores)\n"
    )
    assert shown(write, source) == [("accuracy", "unknown", "max")]


def test_what_is_summed_of_the_loss_that_is_descended_is_of_the_training_data(write: Write) -> None:
    """Whatever the data is called that it goes through."""
    source = (
        "words = test_sentence.split()\nfor epoch in range(9):\n    running = 0\n"
        "    for word in words:\n        loss = criterion(model(word))\n        running += loss.item()\n"
        "        loss.backward()\n    print('Loss:', running / 9)\n"
    )
    assert shown(write, source) == [("loss", "train", "min")]


def test_the_loss_of_a_function_that_descends_none_is_not_of_the_training_data(write: Write) -> None:
    source = (
        "def train(data):\n    for x in data:\n        loss = criterion(model(x))\n        loss.backward()\n"
        "def check(data):\n    running = 0\n    for x, y in data:\n        loss = criterion(model(x), y)\n"
        "        running += loss.item()\n    print('Loss:', running)\ncheck(test_loader)\n"
    )
    assert shown(write, source) == [("loss", "test", "min")]


def test_a_part_of_the_loss_that_is_descended_is_of_the_training_data(write: Write) -> None:
    source = (
        f"{HELD_OUT}for x in data:\n    rebuilt, spread = measure(model(x), x)\n"
        "    loss = rebuilt + 0.5 * spread\n    loss.backward()\n    print('Loss:', rebuilt.item())\n"
    )
    assert shown(write, source) == [("loss", "train", "min")]
