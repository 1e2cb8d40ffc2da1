import explorer

models = ["cifar10/resnet20/standard", "cifar10/resnet20/stability"]
comparison = explorer.compare(models, "cat", "gaussian_noise=0.06;seed=0")
for answer in comparison.models:
    print(answer.title, "flipped" if answer.flipped else "holds", f"{answer.confidence:.0%}")
