"""One gradient step (forward, backward, Adam), batch 32, and batch-1 inference, on the CPU.

Frameworks
  jax            jit, flax, optax; parameters and moments donated
  torch          eager, Adam with its defaults
  torch-fused    eager, Adam(fused=True)
  torch-compile  inductor, Adam(fused=True)
(gpu_train_step.py adds CUDA and CUDA graphs.)
Networks: minatar-*, nature-* (Dopamine's SAME padding), impala-*, each flat, softmoe4 and softmoe1x4
(one expert, four times as wide); all with a dueling C51 head (51 atoms). Inputs are synthetic, already float32.
The loss is the cross-entropy of all A x 51 logits against a fixed random target, so
no target-network forward is part of the step (a Rainbow update has two more forwards).

One JSON line per (framework, network); "gflops" is the counted arithmetic (3 forwards, without the input
gradient of the first layer) divided by the shortest time, and the line "sgemm" is the rate of a large matrix product.

  python train_step.py                       # jax, torch, torch-fused
  taskset -c 0 python train_step.py          # the same on one core
  python train_step.py --only torch/impala   # substring of "framework/net"
  python train_step.py --frameworks torch-compile --iters 100
"""
import statistics
from collections import namedtuple

from common import arguments, cores, emit, figures, host, missing, now, parse, rounds

ATOMS = 51
BATCH = 32
Spec = namedtuple("Spec", "kind size channels actions tokens dim hidden experts slots")
# feature map of an encoder: tokens x dim
ENCODERS = {"minatar": (10, 4, 6, 64, 16, 128), "nature": (84, 4, 18, 121, 64, 512),
            "impala": (84, 4, 18, 121, 32, 512)}
NETS = {}
for _kind, (_size, _chans, _acts, _m, _d, _h) in ENCODERS.items():
    for _head, _hidden, _n in (("flat", _h, 0), ("softmoe4", _h, 4), ("softmoe1x4", 4 * _h, 1)):
        NETS[f"{_kind}-{_head}"] = Spec(_kind, _size, _chans, _acts, _m, _d, _hidden, _n, -(-_m // _n) if _n else 0)

# train() issues a step, sync() waits for all that was issued, act() takes and returns host arrays
Work = namedtuple("Work", "train sync act params")


def gflop(name):
    """Multiply-adds of one update, twice, in units of 1e9."""
    s = NETS[name]
    if s.kind == "minatar":
        convs = [(8, 3, 4, 16)]  # output side, kernel, in, out
    elif s.kind == "nature":
        convs = [(21, 8, 4, 32), (11, 4, 32, 64), (11, 3, 64, 64)]
    else:
        convs = []
        for side, i, o in ((84, 4, 16), (42, 16, 32), (21, 32, 32)):
            convs += [(side, 3, i, o)] + [((side + 1) // 2, 3, o, o)] * 4
    mul = [side * side * k * k * i * o for side, k, i, o in convs]
    first = mul[0]
    fan_in = s.tokens * s.dim
    if s.experts:
        all_slots = s.experts * s.slots
        mul += [3 * s.tokens * s.dim * all_slots, 2 * all_slots * s.dim * s.hidden]
    else:
        mul.append(fan_in * s.hidden)
        fan_in = s.hidden
    mul.append(fan_in * (s.actions + 1) * ATOMS)
    return 2 * BATCH * (3 * sum(mul) - first) / 1e9


def build_jax(name, device="cpu", precision="f32"):
    import jax

    jax.config.update("jax_platforms", device)
    jax.config.update("jax_default_matmul_precision", "tensorfloat32" if precision == "tf32" else "float32")
    import flax.linen as nn
    import jax.numpy as jnp
    import numpy as np
    import optax

    spec = NETS[name]

    class Stage(nn.Module):
        o: int

        @nn.compact
        def __call__(s, x):
            x = nn.Conv(s.o, (3, 3))(x)
            x = nn.max_pool(x, (3, 3), (2, 2), "SAME")
            for _ in range(2):
                y = nn.Conv(s.o, (3, 3))(nn.relu(x))
                y = nn.Conv(s.o, (3, 3))(nn.relu(y))
                x = x + y
            return x

    class Moe(nn.Module):
        h: int
        n: int
        p: int

        @nn.compact
        def __call__(s, x):  # tokens, dim
            _, d = x.shape
            init = nn.initializers.lecun_normal()
            phi = s.param("phi", init, (d, s.n * s.p))
            w1 = s.param("w1", init, (s.n, d, s.h))
            w2 = s.param("w2", init, (s.n, s.h, d))
            b1 = s.param("b1", nn.initializers.zeros, (s.n, 1, s.h))
            b2 = s.param("b2", nn.initializers.zeros, (s.n, 1, d))
            logits = x @ phi
            disp = jax.nn.softmax(logits, 0)
            comb = jax.nn.softmax(logits, 1)
            z = (disp.T @ x).reshape(s.n, s.p, d)
            z = jax.nn.relu(jnp.einsum("npd,ndh->nph", z, w1) + b1)
            z = (jnp.einsum("nph,nhd->npd", z, w2) + b2).reshape(-1, d)
            return comb @ z

    class Net(nn.Module):
        @nn.compact
        def __call__(s, x):
            if spec.kind == "impala":
                for o in (16, 32, 32):
                    x = Stage(o)(x)
            elif spec.kind == "nature":
                x = nn.relu(nn.Conv(32, (8, 8), (4, 4))(x))
                x = nn.relu(nn.Conv(64, (4, 4), (2, 2))(x))
                x = nn.Conv(64, (3, 3))(x)
            else:
                x = nn.Conv(16, (3, 3), padding="VALID")(x)
            x = nn.relu(x)
            assert x.shape[0] * x.shape[1] == spec.tokens and x.shape[2] == spec.dim
            if spec.experts:
                x = Moe(spec.hidden, spec.experts, spec.slots)(x.reshape(-1, spec.dim)).reshape(-1)
            else:
                x = nn.relu(nn.Dense(spec.hidden)(x.reshape(-1)))
            adv = nn.Dense(spec.actions * ATOMS)(x).reshape(spec.actions, ATOMS)
            val = nn.Dense(ATOMS)(x)[None]
            return val + adv - adv.mean(0, keepdims=True)

    net = Net()
    key = jax.random.PRNGKey(0)
    x = jax.random.uniform(key, (BATCH, spec.size, spec.size, spec.channels))
    t = jax.nn.softmax(jax.random.normal(key, (BATCH, spec.actions, ATOMS)))
    params = net.init(key, x[0])
    nparam = sum(v.size for v in jax.tree_util.tree_leaves(params))
    opt = optax.adam(1e-4, eps=1.5e-4)

    def step(p, st, x, t):
        def loss(p):
            lg = jax.vmap(lambda z: net.apply(p, z))(x)
            return -(jax.nn.log_softmax(lg) * t).sum() / BATCH

        g = jax.grad(loss)(p)
        u, st = opt.update(g, st, p)
        return optax.apply_updates(p, u), st

    step = jax.jit(step, donate_argnums=(0, 1))
    fwd = jax.jit(lambda p, x: net.apply(p, x))
    state = {"p": params, "st": opt.init(params)}
    x1 = np.asarray(x[0])

    def train():
        state["p"], state["st"] = step(state["p"], state["st"], x, t)

    def act():
        return np.asarray(fwd(state["p"], x1))

    return Work(train, lambda: jax.block_until_ready(state["p"]), act, nparam)


def build_torch(name, mode="torch", device="cpu", precision="f32"):
    """mode: "torch", then any of "-fused", "-compile", "-graph"; the last two imply the first."""
    import numpy as np
    import torch
    import torch.nn as nn
    import torch.nn.functional as F

    spec = NETS[name]
    compiled, graph = "-compile" in mode, "-graph" in mode
    torch.set_num_threads(cores())
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")

    class Stage(nn.Module):
        def __init__(s, i, o):
            super().__init__()
            s.c = nn.Conv2d(i, o, 3, padding=1)
            s.r = nn.ModuleList([nn.Conv2d(o, o, 3, padding=1) for _ in range(4)])

        def forward(s, x):
            x = F.max_pool2d(s.c(x), 3, 2, 1)
            for k in (0, 2):
                x = x + s.r[k + 1](F.relu(s.r[k](F.relu(x))))
            return x

    class Moe(nn.Module):
        def __init__(s, d, h, n, p):
            super().__init__()
            s.phi = nn.Parameter(torch.randn(d, n * p) * d ** -0.5)
            s.w1 = nn.Parameter(torch.randn(n, d, h) * d ** -0.5)
            s.w2 = nn.Parameter(torch.randn(n, h, d) * h ** -0.5)
            s.b1 = nn.Parameter(torch.zeros(n, 1, h))
            s.b2 = nn.Parameter(torch.zeros(n, 1, d))
            s.n, s.p = n, p

        def forward(s, x):
            b, m, d = x.shape
            lg = x @ s.phi
            disp, comb = lg.softmax(1), lg.softmax(2)
            z = (disp.transpose(1, 2) @ x).view(b, s.n, s.p, d)
            z = z.transpose(0, 1).reshape(s.n, b * s.p, d)
            z = F.relu(torch.baddbmm(s.b1, z, s.w1))
            z = torch.baddbmm(s.b2, z, s.w2)
            z = z.view(s.n, b, s.p, d).transpose(0, 1).reshape(b, -1, d)
            return comb @ z

    class Net(nn.Module):
        def __init__(s):
            super().__init__()
            if spec.kind == "impala":
                s.enc = nn.Sequential(Stage(spec.channels, 16), Stage(16, 32), Stage(32, 32))
            elif spec.kind == "nature":
                s.enc = nn.Sequential(
                    nn.Conv2d(spec.channels, 32, 8, 4, padding=2), nn.ReLU(),
                    nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(32, 64, 4, 2), nn.ReLU(),
                    nn.Conv2d(64, 64, 3, padding=1))
            else:
                s.enc = nn.Conv2d(spec.channels, 16, 3)
            flat = spec.dim * spec.tokens
            s.moe = Moe(spec.dim, spec.hidden, spec.experts, spec.slots) if spec.experts else None
            s.h = None if spec.experts else nn.Linear(flat, spec.hidden)
            q = flat if spec.experts else spec.hidden
            s.adv, s.v = nn.Linear(q, spec.actions * ATOMS), nn.Linear(q, ATOMS)

        def forward(s, x):
            x = F.relu(s.enc(x))
            b = x.shape[0]
            if s.moe is not None:
                x = s.moe(x.flatten(2).transpose(1, 2)).reshape(b, -1)
            else:
                x = F.relu(s.h(x.flatten(1)))
            a = s.adv(x).view(b, spec.actions, ATOMS)
            return s.v(x).view(b, 1, ATOMS) + a - a.mean(1, keepdim=True)

    torch.manual_seed(0)
    net = Net().to(device)
    opt = torch.optim.Adam(net.parameters(), 1e-4, eps=1.5e-4, capturable=graph,
                           fused=True if mode != "torch" else None)
    x = torch.rand(BATCH, spec.channels, spec.size, spec.size, device=device)
    t = torch.randn(BATCH, spec.actions, ATOMS, device=device).softmax(2)
    x1 = np.random.rand(1, spec.channels, spec.size, spec.size).astype(np.float32)

    def loss_fn(x, t):
        return -(net(x).log_softmax(2) * t).sum() / BATCH

    fwd = net
    if compiled:
        loss_fn = torch.compile(loss_fn)
        fwd = torch.compile(net)

    def train():
        opt.zero_grad()
        loss_fn(x, t).backward()
        opt.step()

    def act():
        with torch.inference_mode():
            return fwd(torch.from_numpy(x1).to(device)).cpu().numpy()

    sync = torch.cuda.synchronize if device == "cuda" else lambda: None
    if graph:
        train = capture(train)[0]
        pinned = torch.from_numpy(x1).pin_memory()
        x_act = torch.zeros_like(pinned, device=device)

        def forward():
            with torch.no_grad():
                return fwd(x_act)

        replay, out = capture(forward)

        def act():
            x_act.copy_(pinned, non_blocking=True)
            replay()
            return out.cpu().numpy()

    return Work(train, sync, act, sum(p.numel() for p in net.parameters()))


def capture(body):
    """(replay, result) of a CUDA graph of `body`, after the warm-up that capturing needs."""
    import torch

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(11):
            body()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = body()
    return graph.replay, result


def build(framework, net, device="cpu", precision="f32"):
    if framework == "jax":
        return build_jax(net, device, precision)
    return build_torch(net, framework, device, precision)


def why_not(framework):
    if framework == "jax":
        return missing("jax", "flax", "optax")
    return missing("torch")


def timed(fn, n):
    out = []
    for _ in range(n):
        s = now()
        fn()
        out.append((now() - s) * 1e3)
    return out


def sgemm_gflops(device="cpu", precision="f32", n=2048):
    """Best rate of an n x n float32 product, in PyTorch."""
    import torch

    torch.set_num_threads(cores())
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    a = torch.rand(n, n, device=device)
    sync = torch.cuda.synchronize if device == "cuda" else lambda: None
    return 2 * n ** 3 / (min(timed(lambda: (a @ a, sync()), 10)) * 1e6)


def parser(doc, frameworks):
    ap = arguments(doc)
    ap.add_argument("--only", default="", help="substring of framework/net")
    ap.add_argument("--frameworks", default=frameworks)
    ap.add_argument("--iters", type=int, default=300, help="minatar steps; nature takes a third, impala a tenth")
    ap.add_argument("--rounds", type=int, default=3, help="timing rounds per entry, interleaved train/act")
    return ap


def iterations(a, net):
    return max(a.iters // {"minatar": 1, "nature": 3, "impala": 10}[NETS[net].kind], 5)


def main():
    a = parse(parser(__doc__, "jax,torch,torch-fused"))
    host("jax", "jaxlib", "flax", "optax", "torch")
    if "torch" in a.frameworks and not a.paced and not missing("torch"):
        emit(framework="torch", net="sgemm", gflops=round(sgemm_gflops()))
    for fw in a.frameworks.split(","):
        if why_not(fw):
            emit(framework=fw, skipped=why_not(fw))
            continue
        for net in NETS:
            if a.only not in f"{fw}/{net}":
                continue
            t0 = now()
            w = build(fw, net)

            def train():
                w.train()
                w.sync()

            train(), w.act()
            first = now() - t0
            n = iterations(a, net)
            timed(train, max(n // 5, 3)), timed(w.act, max(n // 5, 3))
            ts, fs = [], []
            for _ in rounds(a):
                ts.append(timed(train, max(n // a.rounds, 3)))
                fs.append(timed(w.act, max(n // a.rounds, 3) * (1 if n > 60 else 5)))
                figures(a, step=ts[-1], act=fs[-1])
            if a.paced:
                return
            least = min(map(min, ts))
            emit(framework=fw, net=net, params=w.params, cores=cores(),
                 train_ms_min=round(least, 3),
                 # the quietest round's median: other jobs may share the machine
                 train_ms_median=round(min(map(statistics.median, ts)), 3),
                 act_ms_min=round(min(map(min, fs)), 4),
                 act_ms_median=round(min(map(statistics.median, fs)), 4),
                 gflop=round(gflop(net), 4), gflops=round(gflop(net) / least * 1e3, 1),
                 build_and_first_call_s=round(first, 1))


if __name__ == "__main__":
    main()
