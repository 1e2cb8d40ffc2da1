"""The DataFrame that queries of a survey return. Imported with the query: it loads pandas."""

from __future__ import annotations

from typing import ClassVar

import pandas as pd

from explorer.survey.view import SurveyView


class View(SurveyView, pd.DataFrame):
    """A pandas DataFrame with the methods of every result; what is cut or joined from it is a plain DataFrame."""

    _metadata: ClassVar[list[str]] = ["title"]  # pandas keeps other attributes out

    @classmethod
    def of(cls, frame: pd.DataFrame, title: str) -> View:
        """Give a table its title.

        Args:
            frame: The table.
            title: What it holds.

        Returns:
            The same rows as a view.
        """
        view = cls(frame)
        view.title = title
        return view
