import explorer

models = ["digits/lenet/standard", "digits/lenet/bang"]

sweep = explorer.sweep(models, "digits:7", "gaussian_noise")
print(sweep)  # a few lines; in a notebook, a figure and a table
frame = sweep.to_frame()  # one row per model and amount, as pandas
figure = sweep.figure()  # Plotly
sweep.save("sweep.html")  # a page that opens without a network; also .json, .csv, .png, .svg

loaded = [explorer.load_model(name) for name in models]
evaluation = explorer.evaluate(loaded[0], explorer.load_dataset("digits"), "gaussian_noise=0.5")
print(evaluation.accuracy, evaluation.interval)
