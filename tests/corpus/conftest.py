"""Makes this folder's texts and checks importable by its tests; fetches the specification's texts, once."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from corpus_spec import NotFetchedError, load


@pytest.fixture(scope="session")
def sections(pytestconfig: pytest.Config) -> dict[str, list[str]]:
    """The specification's texts; a run that has them not yet, and no fast package index, goes without."""
    patience_s = 300.0 if "long" in str(pytestconfig.option.markexpr).replace("not long", "") else 20.0
    try:
        return load(Path(pytestconfig.cache.mkdir("commonmark")), patience_s)
    except NotFetchedError as reason:
        pytest.skip(f"the CommonMark specification's texts are not here: {reason}")
