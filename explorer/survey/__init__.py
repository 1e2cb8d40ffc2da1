"""A whole data set: models asked about every image under every distortion, kept in files that can be queried.

>>> plan = make_plan(models, load_dataset("digits"), ["gaussian_noise=0.2:0.5", "jpeg"])
>>> run(models, load_dataset("digits"), plan, Path("surveys/digits"))
>>> Survey("surveys/digits").view("only_baseline_fails")
"""

from explorer.survey.annotations import Mark, make_mark, marks_file, put_mark, read_marks
from explorer.survey.cases import Case, condition_of, data_of, models_of, open_cases
from explorer.survey.engine import Cost, cost, finished_images, run
from explorer.survey.plan import Condition, Plan, make_plan
from explorer.survey.query import QUADRANTS, VIEWS, Survey
from explorer.survey.ray_engine import ray_workers
from explorer.survey.shipped import shipped
from explorer.survey.statistics import accuracy, confusion, instability, mcnemar
from explorer.survey.store import Store

__all__ = [
    "QUADRANTS",
    "VIEWS",
    "Case",
    "Condition",
    "Cost",
    "Mark",
    "Plan",
    "Store",
    "Survey",
    "accuracy",
    "condition_of",
    "confusion",
    "cost",
    "data_of",
    "finished_images",
    "instability",
    "make_mark",
    "make_plan",
    "marks_file",
    "mcnemar",
    "models_of",
    "open_cases",
    "put_mark",
    "ray_workers",
    "read_marks",
    "run",
    "shipped",
]
