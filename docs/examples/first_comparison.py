import explorer

models = ["photos/efficientnet_lite0/standard", "photos/efficientnet_lite0/stability"]
comparison = explorer.compare(models, "temple", "gaussian_noise=0.1;seed=0")
for answer in comparison.models:
    print(answer.title, "flipped" if answer.flipped else "holds", f"{answer.confidence:.0%}")
