"""Adds, samples and priority updates per second, and memory, of common replay buffers.

Peers
  dopamine       dopamine.jax.replay_memory: n-step and stacks made when adding, each state
                 and next state compressed with snappy; prioritized and uniform sampling
  cpprb-nstep    cpprb (C++), prioritized, with its n-step returns, which switch its compression off
  cpprb-compact  cpprb, prioritized, 1-step, next_of + stack_compress: every frame stored once
Shapes
  atari    84x84 u8, stack 4, n-step 3       minatar  10x10x4 bool, stack 1, n-step 3

Every case runs in its own process and fills the buffer to its capacity, so that adding also
evicts. One JSON line per operation: add (one transition), sample (a batch of 32 as numpy arrays),
update (priorities of 32, from numpy); min and median over rounds. The line "fill" has the
resident memory of a stored transition.

  python replay.py
  python replay.py --only dopamine/prioritized/atari --transitions 50000
"""
import argparse
import gc
import itertools
import os
import subprocess
import sys

from common import (arguments, emit, figures, host, missing, now, parse, rounds, stub_baselines, us_per_call,
                    us_summary)

BATCH = 32
GAMMA = 0.99
SHAPES = {"atari": ((84, 84), "uint8", 4), "minatar": ((10, 10, 4), "bool", 1)}  # shape, dtype, stack
CASES = [(p, s, h) for h in SHAPES for p, s in (
    ("dopamine", "prioritized"), ("dopamine", "uniform"),
    ("cpprb-nstep", "prioritized"), ("cpprb-compact", "prioritized"))]


def episode_stream(shape, source, steps):
    """Observations, rewards and terminals of random play, to be cycled through."""
    import numpy as np

    rng = np.random.RandomState(0)
    dims, dtype, _ = SHAPES[shape]
    if shape == "minatar" and source != "synthetic" and not missing("minatar"):
        import minatar

        env = minatar.Environment("breakout")
        env.seed(0)
        env.reset()
        obs, rew, term = np.zeros((steps, *dims), dtype), np.zeros(steps), np.zeros(steps, bool)
        for i in range(steps):
            obs[i] = env.state()
            rew[i], term[i] = env.act(int(rng.randint(6)))
            if term[i]:
                env.reset()
        return "minatar breakout", obs, rew, term
    if shape == "atari" and source != "synthetic" and not missing("ale_py", "gymnasium", "cv2"):
        import ale_py
        import gymnasium as gym
        from gymnasium.wrappers import AtariPreprocessing

        ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
        gym.register_envs(ale_py)
        env = AtariPreprocessing(gym.make(f"ALE/{source}-v5", frameskip=1), noop_max=30)
        n = int(env.action_space.n)
        obs, rew, term = np.zeros((steps, *dims), dtype), np.zeros(steps), np.zeros(steps, bool)
        o, _ = env.reset(seed=0)
        for i in range(steps):
            obs[i] = o
            o, rew[i], term[i], trunc, _ = env.step(int(rng.randint(n)))
            if term[i] or trunc:
                term[i] = True
                o, _ = env.reset()
        return source, obs, rew, term
    # two moving boxes on a fixed background of large flat blocks
    obs = np.zeros((steps, *dims), dtype)
    if shape == "atari":
        obs[:] = np.kron(rng.randint(0, 256, (7, 7)), np.ones((12, 12))).astype(dtype)
        for i in range(steps):
            for k in (1, 3):
                y, x = (i * k) % 76, (i * (k + 1)) % 76
                obs[i, y:y + 8, x:x + 8] = 200
    else:
        obs[:] = rng.rand(steps, *dims) < 0.05
    term = np.zeros(steps, bool)
    term[499::500] = True
    return "synthetic", obs, rng.rand(steps), term


def dopamine_buffer(scheme, shape, capacity, data):
    stub_baselines()
    from dopamine.jax.replay_memory import accumulator, elements, replay_buffer, samplers
    import numpy as np

    obs, rew, term = data
    prioritized = scheme == "prioritized"
    dist = (samplers.PrioritizedSamplingDistribution(seed=0, max_capacity=capacity) if prioritized
            else samplers.UniformSamplingDistribution(seed=0))
    buf = replay_buffer.ReplayBuffer(
        accumulator.TransitionAccumulator(SHAPES[shape][2], 3, GAMMA), dist,
        batch_size=BATCH, max_capacity=capacity)
    rows = itertools.cycle([(obs[i], i % 6, float(rew[i]), bool(term[i])) for i in range(len(obs))])

    def add():  # as the agent's _store_transition does it
        kw = {"priority": dist._sum_tree.max_recorded_priority} if prioritized else {}
        buf.add(elements.TransitionElement(*next(rows), False), **kw)

    def sample():
        batch, meta = buf.sample(with_sample_metadata=True)
        return batch.state, batch.next_state, meta.keys

    rng = np.random.RandomState(0)
    update = (lambda keys: buf.update(keys, priorities=rng.rand(BATCH))) if prioritized else None
    return add, sample, update, lambda: len(buf._memory)


def cpprb_buffer(compact, shape, capacity, data):
    import cpprb
    import numpy as np

    obs, rew, term = data
    dims, dtype, stack = SHAPES[shape]
    if stack > 1:  # cpprb compresses stacks only in the last dimension
        dims = (*dims, stack) if compact else (stack, *dims)
    env = {"obs": {"shape": dims, "dtype": np.dtype(dtype)}, "act": {"dtype": np.int32},
           "rew": {}, "done": {}}
    if compact:
        kw = {"next_of": "obs", **({"stack_compress": "obs"} if stack > 1 else {})}
    else:
        env["next_obs"] = env["obs"]
        kw = {"Nstep": {"size": 3, "gamma": GAMMA, "rew": "rew", "next": "next_obs"}}
    buf = cpprb.PrioritizedReplayBuffer(capacity, env, alpha=0.5, **kw)

    def window(i):  # a view: the stack costs the caller nothing here
        if stack == 1:
            return obs[i]
        return np.moveaxis(obs[i:i + stack], 0, -1) if compact else obs[i:i + stack]

    rows = itertools.cycle([
        {"obs": window(i), "next_obs": window(i + 1), "act": i % 6, "rew": float(rew[i]),
         "done": float(term[i])} for i in range(len(obs) - stack)])

    def add():
        row = next(rows)
        buf.add(**row)
        if row["done"]:
            buf.on_episode_end()

    def sample():
        b = buf.sample(BATCH, beta=0.5)
        return b["obs"], b["next_obs"], b["indexes"]

    rng = np.random.RandomState(0)
    return add, sample, lambda i: buf.update_priorities(i, rng.rand(BATCH)), buf.get_stored_size


def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def run_case(a):
    peer, scheme, shape = a.case.split("/")
    case = {"peer": peer, "scheme": scheme, "shape": shape}
    if peer == "dopamine":
        stub_baselines()
    why = missing("numpy", *(("dopamine.jax.replay_memory.replay_buffer",) if peer == "dopamine" else ("cpprb",)))
    if why:
        emit(**case, skipped=why)
        return
    import numpy as np

    dims, dtype, stack = SHAPES[shape]
    capacity = a.transitions
    if peer == "cpprb-nstep":  # whole stacks, twice
        raw = 2 * int(np.prod(dims)) * stack
        capacity = min(capacity, int(a.limit_gb * 1e9) // raw)
    source, *data = episode_stream(shape, a.frames, 4000)
    case["frames"] = source
    gc.collect()
    before = resident()
    if peer == "dopamine":
        add, sample, update, stored = dopamine_buffer(scheme, shape, capacity, data)
    else:
        add, sample, update, stored = cpprb_buffer(peer.endswith("compact"), shape, capacity, data)

    s, adds = now(), 0
    while adds < capacity * 2 and (adds < capacity or stored() < capacity):
        add()  # an episode's first steps store nothing, so more adds than transitions
        adds += 1
    seconds = now() - s
    gc.collect()
    emit(**case, op="fill", transitions=stored(), per_s=round(adds / seconds),
         bytes_per_transition=round((resident() - before) / stored()), resident_gb=round(resident() / 1e9, 2))

    def line(op, us):
        emit(**case, op=op, transitions=stored(), **us_summary(us))

    keys = [sample()[2] for _ in range(a.calls)]
    if update:  # uneven priorities before anything is sampled for the record
        for k in keys:
            update(k)
    if a.paced:
        for _ in rounds(a):
            samples = {"add": us_per_call(add, a.calls // 2, 5), "sample": us_per_call(sample, a.calls // 5, 5)}
            if update:  # of transitions that the adding has left there
                keys = itertools.cycle([sample()[2] for _ in range(a.calls // 5)])
                samples["update"] = us_per_call(lambda: update(next(keys)), a.calls // 5, 5)
            figures(a, **samples)
        return
    line("add", us_per_call(add, a.calls * 2, a.rounds))
    state, next_state, _ = sample()
    assert state.shape == next_state.shape and state.shape[0] == BATCH and state.dtype == dtype, state.shape
    assert sorted(state.shape[1:]) in (sorted((*dims, stack)), sorted(dims)), state.shape
    line("sample", us_per_call(sample, a.calls, a.rounds))
    if update:
        keys = itertools.cycle([sample()[2] for _ in range(a.calls)])
        line("update", us_per_call(lambda: update(next(keys)), a.calls, a.rounds))


def main():
    ap = arguments(__doc__)
    ap.add_argument("--only", default="", help="substring of peer/scheme/shape")
    ap.add_argument("--transitions", type=int, default=200_000)
    ap.add_argument("--limit-gb", type=float, default=4.0, help="largest uncompressed buffer (cpprb-nstep)")
    ap.add_argument("--frames", default="Breakout",
                    help="Atari game whose frames are stored, or 'synthetic' (also where ale-py is missing)")
    ap.add_argument("--calls", type=int, default=500, help="calls of an operation in a round")
    ap.add_argument("--rounds", type=int, default=7)
    ap.add_argument("--case", default="", help=argparse.SUPPRESS)
    a = parse(ap)
    if a.case:
        run_case(a)
        return
    host("numpy", "jax", "dopamine-rl", "python-snappy", "cpprb")
    cases = [case for case in map("/".join, CASES) if a.only in case]
    if a.paced:
        if len(cases) != 1:
            ap.error(f"--paced times one case, and --only {a.only!r} names {len(cases)}")
        a.case = cases[0]
        run_case(a)
        return
    for case in cases:
        r = subprocess.run([sys.executable, os.path.abspath(__file__), *sys.argv[1:], "--case", case])
        if r.returncode:
            emit(case=case, skipped=f"exit status {r.returncode}")


if __name__ == "__main__":
    main()
