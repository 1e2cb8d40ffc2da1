"""A whole data set: models asked about every image under every distortion, kept in files that can be queried.

>>> plan = make_plan(models, load_dataset("digits"), ["gaussian_noise=0.2:0.5", "jpeg"])
>>> run(models, load_dataset("digits"), plan, Path("surveys/digits"))
>>> Survey("surveys/digits").view("only_baseline_fails")
"""

from explorer.survey.ask import QUADRANTS, VIEWS, Survey
from explorer.survey.plan import Condition, Plan, make_plan
from explorer.survey.engine import Cost, cost, finished_images, run
from explorer.survey.store import Store

__all__ = [
    "QUADRANTS",
    "VIEWS",
    "Condition",
    "Cost",
    "Plan",
    "Store",
    "Survey",
    "cost",
    "finished_images",
    "make_plan",
    "run",
]
