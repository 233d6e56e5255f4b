from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from app.jobs.specs.numbers import Number, WholeNumber


@pytest.mark.parametrize("kind", [Number, WholeNumber])
@pytest.mark.parametrize("value", [True, False, "1", "", None, [1]])
def test_what_json_does_not_call_a_number_is_refused(kind: Any, value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)


def test_a_float_may_be_written_as_a_whole_number_and_a_whole_number_as_a_float() -> None:
    assert repr(TypeAdapter(Number).validate_python(1)) == "1.0"
    assert repr(TypeAdapter(WholeNumber).validate_python(1.0)) == "1"
    with pytest.raises(ValidationError):
        TypeAdapter(WholeNumber).validate_python(1.5)
