"""How the model and the predictions of a repository are made, from the text of its scripts."""

from __future__ import annotations

import pytest

from ghmlops.core.adoption.scripts import model_files, predict_command, train_command

TRAIN = 'import joblib\njoblib.dump(model, "model.joblib")\n'
APP = 'model = joblib.load("model.joblib")\n'
OPTIONS = 'parser.add_argument("--out", required=True)\ntable.to_parquet(arguments.out)\n'


def test_a_model_that_ci_builds() -> None:
    """A training script makes the file that the service loads and git does not track."""
    texts = {"app.py": APP, "train.py": TRAIN}
    assert model_files(texts) == {"train.py": ["model.joblib"]}
    assert train_command(texts, {"model.joblib"}) == "python train.py"
    assert train_command(texts, frozenset()) == ""


@pytest.mark.parametrize(
    "texts",
    [
        {"app.py": APP},
        {"app.py": "load()\n", "train.py": TRAIN},
        {"app.py": APP, "tests/test_train.py": TRAIN},
        {"app.py": APP, "train.py": TRAIN + 'parser.add_argument("--data", required=True)\n'},
        {"app.py": APP, "train.py": TRAIN + 'parser.add_argument("data")\n'},
    ],
)
def test_nothing_is_trained_blindly(texts: dict[str, str]) -> None:
    """No script, a file that nobody loads, a test, and a script with an argument of unknown value give no command."""
    assert train_command(texts, {"model.joblib"}) == ""


def test_an_optional_argument_is_left_out() -> None:
    """A script whose options all have defaults runs without them."""
    text = TRAIN + 'parser.add_argument("--seed", type=int, default=0)\nparser.add_argument("data", nargs="?")\n'
    assert (
        train_command({"app.py": APP, "jobs/train model.py": text}, {"model.joblib"}) == "python 'jobs/train model.py'"
    )


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (OPTIONS, 'python predict.py --out "$PREDICTIONS"'),
        (
            '@click.option("-o", "--output-file")\npq.write_table(t, f)\n',
            'python predict.py --output-file "$PREDICTIONS"',
        ),
        ("table.write_parquet(sys.argv[1])\n", 'python predict.py "$PREDICTIONS"'),
        ('table.to_parquet("out/p.parquet")\n', 'python predict.py\ncp out/p.parquet "$PREDICTIONS"'),
        ('table.to_parquet("elsewhere.parquet")\n', ""),
        (OPTIONS + 'parser.add_argument("--data", required=True)\n', ""),
        (OPTIONS + 'parser.add_argument("data")\n', ""),
        ("table.to_parquet(sys.argv[2], sys.argv[1])\n", ""),
        ('parser.add_argument("--out")\nprint(1)\n', ""),
    ],
)
def test_a_script_that_predicts(text: str, command: str) -> None:
    """The output goes to `$PREDICTIONS`, by the script's option, its argument, or a copy; otherwise there is none."""
    assert predict_command({"predict.py": text}, "out/p.parquet") == command


def test_the_script_that_is_named_like_a_prediction_comes_first() -> None:
    """Among scripts that write Parquet; tests, and training scripts that write other files, are left out."""
    texts = {"a.py": OPTIONS, "jobs/batch_score.py": OPTIONS, "train.py": OPTIONS, "tests/predict.py": OPTIONS}
    assert predict_command(texts, "p.parquet") == 'python jobs/batch_score.py --out "$PREDICTIONS"'
    assert predict_command({"train.py": OPTIONS, "tests/predict.py": OPTIONS}, "p.parquet") == ""
