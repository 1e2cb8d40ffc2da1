"""A table of a survey as a result: it can be shown, drawn and saved like every other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.results import Result, plain_records

if TYPE_CHECKING:
    import pandas as pd

FIRST = 5  # rows of the short text


class SurveyView(Result):
    """What ``explorer.survey.frame.View`` adds to a DataFrame, in a module that does not load pandas.

    Attributes:
        title: What the table holds, for example the name of a view.
    """

    title: str

    def to_frame(self) -> pd.DataFrame:
        """The table as a plain DataFrame; a confusion matrix becomes one row per cell.

        Returns:
            A pandas DataFrame with one observation per row.
        """
        import pandas as pd

        frame = pd.DataFrame(self)
        if frame.index.name == "clean":
            return frame.reset_index().melt(id_vars="clean", var_name="distorted", value_name="n")
        return frame

    def to_dict(self, orient: str | None = None, **options: Any) -> Any:
        """The table as a JSON object.

        Args:
            orient: As in ``pandas.DataFrame.to_dict``; None for {"view", "rows"}.
            options: Further arguments of pandas.

        Returns:
            With an ``orient``, what pandas returns; else the title and the rows, None where a value is missing.
        """
        import pandas as pd

        if orient is not None:
            return pd.DataFrame(self).to_dict(orient, **options)
        return {"view": self.title, "rows": self.records()}

    def records(self) -> list[dict[str, Any]]:
        """The rows of the table.

        Returns:
            One dictionary per row; None where a value is missing.
        """
        return plain_records(self.to_frame())

    def __str__(self) -> str:
        frame = self.to_frame()
        rest = f", the first {FIRST}" if len(frame) > FIRST else ""
        shown = frame.iloc[:FIRST, :8].to_string(
            index=False, float_format=lambda value: f"{value:.3g}", max_colwidth=24
        )
        return f"{self.title}: {len(frame):,} rows{rest}\n{shown}"
