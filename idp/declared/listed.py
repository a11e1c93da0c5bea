"""Conditions that name many values with one parameter: `IN (…)` has one for each, and PostgreSQL takes 65,535."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Text, any_, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY


def one_of(column: Any, values: Collection[str]) -> ColumnElement[bool]:  # noqa: ANN401 - any column of text
    """Whether the column has one of the values."""
    named: ColumnElement[bool] = column == any_(_array(values))
    return named


def one_of_folded(column: Any, values: Collection[str]) -> ColumnElement[bool]:  # noqa: ANN401 - any column of text
    """Whether it has one of them in whatever case, as PostgreSQL folds it; for columns with an index on `lower()`."""
    return func.lower(column).in_(select(func.lower(func.unnest(_array(values)))))


def _array(values: Collection[str]) -> ColumnElement[Any]:
    return cast(list(values), ARRAY(Text))
