"""A failed build says which line of what file, and its last lines."""

from __future__ import annotations

import pytest

from pushtune.environment.declared_lines import Line
from pushtune.environment.image_errors import build_error, failed_line, fetch_error, instructions, last_lines
from pushtune.environment.image_recipes import ImageRecipe
from pushtune.process import Completed

DOCKERFILE = """# ours
ARG BASE
FROM ${BASE}

RUN echo one \\
 && echo two
# and then
RUN false
"""


def test_instructions_are_counted_as_engines_count_them() -> None:
    assert instructions(DOCKERFILE) == [2, 3, 5, 8]


@pytest.mark.parametrize(
    "said",
    [
        "Step 1/4 : ARG BASE\nStep 2/4 : FROM ${BASE}\nStep 4/4 : RUN false\nThe command returned 1",
        "STEP 1/3: FROM x\nSTEP 3/3: RUN false\nError: building at STEP",
        "ERROR: process did not complete\n------\nDockerfile:8\n--------------------\n",
    ],
)
def test_the_line_is_found_in_what_each_engine_says(said: str) -> None:
    assert failed_line(DOCKERFILE, said) == (8, "RUN false")


def test_a_failed_build_names_the_place_and_shows_twenty_lines() -> None:
    recipe = ImageRecipe("sklearn", (("Dockerfile", DOCKERFILE.encode()),), "base")
    said = "\n".join(["Step 4/4 : RUN false", *(f"line {number}" for number in range(40))])
    error = build_error(recipe, Completed(("docker",), 1, said, "boom\n"))
    assert str(error) == "the image sklearn cannot be built, at Dockerfile:8: RUN false"
    assert error.details.splitlines() == [*(f"line {number}" for number in range(21, 40)), "boom"]


def test_a_base_that_may_not_be_fetched_says_how_to_log_in() -> None:
    recipe = ImageRecipe("repository", (("Dockerfile", b"FROM registry.example/secret:1\n"),), "x")
    said = "Step 1/1 : FROM registry.example/secret:1\npull access denied for registry.example/secret"
    error = build_error(recipe, Completed(("docker",), 1, said, ""))
    assert "Dockerfile:1" in str(error)
    assert "docker login" in error.fix


def test_a_package_that_is_not_to_be_had_names_the_line_that_asked_for_it() -> None:
    line = Line("numpy", "numpy==0.0.1", "==0.0.1", "requirements.txt", 3, "numpy==0.0.1")
    recipe = ImageRecipe("sklearn-packages", (), "base", lines=(line,))
    said = "ERROR: No matching distribution found for numpy==0.0.1\n"
    error = fetch_error(recipe, Completed(("docker",), 1, "", said))
    assert str(error) == "requirements.txt:3: numpy==0.0.1: no release of it is to be had for this Python"
    assert error.details == said.strip()


def test_what_was_said_cannot_move_the_cursor_or_flood() -> None:
    shown = last_lines("\x1b[31mred\x1b[0m\x07\n" + "x" * 10_000)
    assert shown.splitlines()[0] == "red�"
    assert max(map(len, shown.splitlines())) == 400
