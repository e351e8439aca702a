"""End-to-end agent steps/s of Dopamine's DER on a game of Atari 100k.

Everything is Dopamine's: the agent of `labs/atari_100k` (full Rainbow, Nature network, no data
augmentation), its replay buffer, Atari preprocessing and runner, with the settings of its
`DER.gin`, which the package leaves out. An update of 32 transitions follows every agent step.
The summary of every update is off, and so is evaluation.

`environment` is the milliseconds of a step in the emulator and its preprocessing.
Prints one JSON line.

  taskset -c 0 python dopamine_atari.py --game RoadRunner
"""
import contextlib
import statistics
import sys
import tempfile

from common import arguments, cores, emit, figures, host, missing, now, parse, rounds, stub_baselines

SETTINGS = """
  JaxDQNAgent.gamma = 0.99
  JaxDQNAgent.update_horizon = 10
  JaxDQNAgent.min_replay_history = {min_replay}
  JaxDQNAgent.update_period = 1
  JaxDQNAgent.target_update_period = 2000
  JaxDQNAgent.epsilon_train = 0.01
  JaxDQNAgent.epsilon_eval = 0.001
  JaxDQNAgent.epsilon_decay_period = 2000
  JaxDQNAgent.optimizer = 'adam'
  JaxFullRainbowAgent.noisy = True
  JaxFullRainbowAgent.dueling = True
  JaxFullRainbowAgent.double_dqn = True
  JaxFullRainbowAgent.num_atoms = 51
  JaxFullRainbowAgent.vmax = 10.
  JaxFullRainbowAgent.replay_scheme = 'prioritized'
  JaxFullRainbowAgent.num_updates_per_train_step = 1
  Atari100kRainbowAgent.data_augmentation = False
  create_optimizer.learning_rate = 0.0001
  create_optimizer.eps = 0.00015
  create_atari_environment.game_name = '{game}'
  create_atari_environment.sticky_actions = False
  AtariPreprocessing.terminal_on_life_loss = True
  Runner.max_steps_per_episode = 27000
  ReplayBuffer.max_capacity = 1000000
  ReplayBuffer.batch_size = 32
  PrioritizedSamplingDistribution.max_capacity = 1000000
"""


def main():
    ap = arguments(__doc__)
    ap.add_argument("--game", default="RoadRunner")
    ap.add_argument("--steps", type=int, default=100, help="agent steps per timed round")
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--min-replay", type=int, default=1600, help="agent steps before the first update")
    ap.add_argument("--warmup", type=int, default=20, help="updates before the first round")
    a = parse(ap)
    host("dopamine-rl", "jax", "jaxlib", "flax", "optax", "ale-py", "gymnasium", "numpy")
    stub_baselines()
    if why := missing("numpy", "jax", "gin", "ale_py", "cv2", "dopamine.labs.atari_100k.atari_100k_runner",
                      "dopamine.labs.atari_100k.atari_100k_rainbow_agent"):
        emit(skipped=why)
        return
    emit(**measure(a))


class Timed:
    """A function with the time and the number of its calls."""

    def __init__(self, function):
        self.function, self.seconds, self.calls = function, 0.0, 0

    def __call__(self, *args, **kwargs):
        start = now()
        result = self.function(*args, **kwargs)
        self.seconds += now() - start
        self.calls += 1
        return result


def measure(a):
    import ale_py
    import gin
    import jax
    from dopamine.discrete_domains import iteration_statistics
    from dopamine.labs.atari_100k import atari_100k_rainbow_agent, atari_100k_runner

    jax.config.update("jax_platforms", "cpu")
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    gin.parse_config(SETTINGS.format(game=a.game, min_replay=a.min_replay))

    def make_agent(sess, env, summary_writer=None):
        del sess
        return atari_100k_rainbow_agent.Atari100kRainbowAgent(
            num_actions=env.action_space.n, seed=0, summary_writer=summary_writer)

    with tempfile.TemporaryDirectory() as base:
        with contextlib.redirect_stdout(sys.stderr):  # only JSON goes to stdout
            runner = atari_100k_runner.DataEfficientAtariRunner(base, make_agent)
        agent, env = runner._agent, runner.train_envs[0]
        agent.eval_mode = False
        agent.summary_writer = None  # the runner writes a summary of each episode; the agent would, of each update
        play = [Timed(env.step), Timed(env.reset)]
        env.step, env.reset = play
        update = agent._training_step_update = Timed(agent._training_step_update)
        act = agent.step = Timed(agent.step)
        stats = iteration_statistics.IterationStatistics()
        resume = None

        def phase(steps):
            # The runner makes one step more than it is told.
            nonlocal resume
            with contextlib.redirect_stdout(sys.stderr):
                *_, resume, _ = runner._run_one_phase(
                    [env], steps - 1, max_episodes=None, statistics=stats, run_mode_str="train",
                    needs_reset=resume is None, resume_state=resume)
            jax.block_until_ready(agent.online_params)

        t0 = now()
        phase(a.min_replay)
        while update.calls < a.warmup:
            phase(1)
        warm = now() - t0
        rates, environment = [], []
        for _ in rounds(a):
            steps, updates, playing = act.calls, update.calls, sum(p.seconds for p in play)
            start = now()
            phase(a.steps)
            seconds = now() - start
            steps, updates = act.calls - steps, update.calls - updates
            assert updates == steps, f"{updates} updates in {steps} steps"
            rates.append(steps / seconds)
            environment.append((sum(p.seconds for p in play) - playing) / steps * 1e3)
            figures(a, agent_steps=rates[-1:], environment=environment[-1:])
        return {
            "agent": "dopamine Atari100kRainbowAgent", "game": a.game, "cores": cores(),
            "params": sum(v.size for v in jax.tree_util.tree_leaves(agent.online_params)),
            "steps": a.steps, "updates": update.calls, "warmup_s": round(warm, 1),
            "agent_steps_per_s_max": round(max(rates), 2),
            "agent_steps_per_s_median": round(statistics.median(rates), 2),
            "environment_ms_min": round(min(environment), 3)}


if __name__ == "__main__":
    main()
