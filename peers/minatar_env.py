"""Steps/s of the PyPI `minatar` environments: random actions, one core, state() each step.

Sticky actions 0.1, as the package sets them. One JSON line per game.

  taskset -c 0 python minatar_env.py
"""
import logging
import statistics

from common import arguments, emit, figures, host, missing, now, parse, rounds

GAMES = ["asterix", "breakout", "freeway", "seaquest", "space_invaders"]


def rate(env, steps, actions):
    env.reset()
    s = now()
    for i in range(steps):
        _, term = env.act(actions[i])
        env.state()
        if term:
            env.reset()
    return steps / (now() - s)


def main():
    ap = arguments(__doc__)
    ap.add_argument("--only", default="", help="substring of game")
    ap.add_argument("--steps", type=int, default=20000)
    ap.add_argument("--rounds", type=int, default=5)
    a = parse(ap)
    host("minatar", "numpy")
    logging.disable(logging.WARNING)
    if why := missing("numpy", "minatar"):
        emit(skipped=why)
        return
    import minatar
    import numpy as np

    actions = np.random.RandomState(0).randint(0, 6, a.steps).tolist()
    rates = {g: [] for g in GAMES if a.only in g}
    envs = {g: minatar.Environment(g) for g in rates}
    for env in envs.values():
        env.seed(0)
        rate(env, 2000, actions)
    for _ in rounds(a):
        for g, env in envs.items():
            rates[g].append(rate(env, a.steps, actions))
        figures(a, **{g: r[-1:] for g, r in rates.items()})
    if a.paced:
        return
    for g, r in rates.items():
        emit(game=g, steps_per_s_max=round(max(r)), steps_per_s_median=round(statistics.median(r)))


if __name__ == "__main__":
    main()
