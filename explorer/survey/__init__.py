"""Surveys: the answers of models to every image of a data set under every distortion, in files that can be queried.

::

    plan = make_plan(models, load_dataset("digits"), ["gaussian_noise=0.2:0.5", "jpeg"])
    run(models, load_dataset("digits"), plan, Path("surveys/digits"))
    Survey("surveys/digits").view("only_baseline_fails")
"""

from explorer.evaluation.statistics import mcnemar
from explorer.survey.annotations import Annotation, annotations_file, make_annotation, put_annotation, read_annotations
from explorer.survey.cases import Case, condition_of, data_of, models_of, open_cases
from explorer.survey.engine import Cost, cost, finished_images, run
from explorer.survey.plan import Condition, Plan, make_plan
from explorer.survey.query import QUADRANTS, VIEWS, Survey
from explorer.survey.ray_engine import ray_workers
from explorer.survey.shipped import shipped
from explorer.survey.statistics import accuracy, confusion, instability
from explorer.survey.store import Store

__all__ = [
    "QUADRANTS",
    "VIEWS",
    "Annotation",
    "Case",
    "Condition",
    "Cost",
    "Plan",
    "Store",
    "Survey",
    "accuracy",
    "annotations_file",
    "condition_of",
    "confusion",
    "cost",
    "data_of",
    "finished_images",
    "instability",
    "make_annotation",
    "make_plan",
    "mcnemar",
    "models_of",
    "open_cases",
    "put_annotation",
    "ray_workers",
    "read_annotations",
    "run",
    "shipped",
]
