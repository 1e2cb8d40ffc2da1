from pathlib import Path

import explorer
from explorer.survey import Survey, accuracy, make_plan, run

models = [explorer.load_model(f"digits/lenet/{method}") for method in ("standard", "stability")]
data = explorer.load_dataset("digits")
run(models, data, make_plan(models, data, ["gaussian_noise=0.2:0.5", "jpeg=20"], limit=60), Path("surveys/digits"))
survey = Survey("surveys/digits")
print(survey.view("only_baseline_fails"))  # a DataFrame; survey.sql("...") asks anything, with DuckDB
print(accuracy(survey))  # with paired intervals and McNemar's exact test
