# SPDX-License-Identifier: MIT
"""Compares fxq's gradients, over double, with torch's.

grad_torch.py TEST_GRAD64

The program prints its cases: inputs, parameters, gradients of the results and
the gradients that it finds. Exits with 77 if this Python has no torch.
"""
import json
import subprocess
import sys

try:
    import torch
    import torch.nn.functional as F
except ImportError as error:
    print(f"SKIP: {error}: install python3-torch to compare with it")
    sys.exit(77)

TOLERANCE = 1e-9


def pads(a, nd):
    """Beginnings, then ends, one number standing for all."""
    p = a.get("padding", 0)
    return p if isinstance(p, list) else [p] * 2 * nd


def padded(x, a, nd, value=0.0):
    p = pads(a, nd)
    flat = [n for d in reversed(range(nd)) for n in (p[d], p[nd + d])]
    return F.pad(x, flat, value=value)


def steps(a):
    return {k: a[k] for k in ("stride", "dilation", "groups") if k in a}


def conv(nd):
    def run(a, x, w, b=None):
        return getattr(F, f"conv{nd}d")(padded(x, a, nd), w, b, **steps(a))
    return run


def conv_transpose(nd):
    def run(a, x, w, b=None):
        y = getattr(F, f"conv_transpose{nd}d")(
            x, w, b, output_padding=a.get("output_padding", 0), **steps(a))
        p = pads(a, nd)
        for d in range(nd):
            y = y.narrow(2 + d, p[d], y.shape[2 + d] - p[d] - p[nd + d])
        return y
    return run


def max_pool(nd):
    def run(a, x):
        return getattr(F, f"max_pool{nd}d")(
            padded(x, a, nd, -1e30), a["kernel_size"], a.get("stride"),
            dilation=a.get("dilation", 1),
            ceil_mode=bool(a.get("ceil_mode", 0)))
    return run


def avg_pool(nd):
    def run(a, x):
        p = pads(a, nd)
        if p[:nd] != p[nd:]:
            return getattr(F, f"avg_pool{nd}d")(
                padded(x, a, nd), a["kernel_size"], a.get("stride"))
        return getattr(F, f"avg_pool{nd}d")(
            x, a["kernel_size"], a.get("stride"), p[:nd],
            bool(a.get("ceil_mode", 0)), bool(a.get("count_include_pad", 1)))
    return run


def batch_norm_train(a, x, w, b=None):
    dims = [d for d in range(x.dim()) if d != 1]
    y = F.batch_norm(x, None, None, w, b, True, 0.1, a.get("eps", 1e-5))
    return y, x.mean(dims), x.var(dims, unbiased=False)


def layer_norm(a, x, w=None, b=None):
    shape = a.get("normalized_shape", [x.shape[-1]])
    eps = a.get("eps", 1e-5)
    dims = list(range(x.dim() - len(shape), x.dim()))
    var = x.var(dims, unbiased=False, keepdim=True)
    return (F.layer_norm(x, shape, w, b, eps), x.mean(dims, keepdim=True),
            (var + eps) ** -0.5)


def gather(a, x, index):
    dim = a.get("dim", 0)
    y = x.index_select(dim, index.reshape(-1))
    return y.reshape(x.shape[:dim] + index.shape + x.shape[dim + 1:])


def pad(a, x, _=None, value=None):
    rank, p = x.dim(), a["pads"]
    flat = [n for d in reversed(range(rank)) for n in (p[d], p[rank + d])]
    if value is not None:
        inside = F.pad(torch.ones_like(x), flat)
        return F.pad(x, flat) + (1 - inside) * value
    mode = a.get("mode", "constant")
    if mode == "constant":
        return F.pad(x, flat)
    return F.pad(x[None, None], flat,
                 mode="replicate" if mode == "edge" else mode)[0, 0]


def resize(a, x):
    linear = a.get("mode") == "linear"
    corners = a.get("coordinate_transformation_mode") == "align_corners"
    return F.interpolate(x, a["sizes"][2:],
                         mode="bilinear" if linear else "nearest",
                         align_corners=corners if linear else None)


def depth_to_space(a, x):
    if a.get("mode") == "CRD":
        return F.pixel_shuffle(x, a["block"])
    b, (n, c, h, w) = a["block"], x.shape
    x = x.reshape(n, b, b, c // b // b, h, w).permute(0, 3, 4, 1, 5, 2)
    return x.reshape(n, c // b // b, h * b, w * b)


def space_to_depth(a, x):
    b, (n, c, h, w) = a["block"], x.shape
    x = x.reshape(n, c, h // b, b, w // b, b).permute(0, 3, 5, 1, 2, 4)
    return x.reshape(n, c * b * b, h // b, w // b)


def reverse_sequence(a, x, lengths):
    columns = [torch.cat([x[:n, i].flip(0), x[n:, i]])
               for i, n in enumerate(lengths.tolist())]
    return torch.stack(columns, 1)


def dropout_train(a, x, y):
    keep = torch.tensor(y[1]["data"]).reshape(x.shape) != 0
    return x * keep / (1 - a["p"])


def cumsum(a, x, _=None):
    dim = a.get("dim", 0)
    y = x.flip(dim).cumsum(dim).flip(dim) if a.get("reverse") else x.cumsum(dim)
    return y - x if a.get("exclusive") else y


def loss(function):
    def run(a, x, y):
        return function(x, y, **a)
    return run


def reduced(function, names=("dim", "keepdim")):
    """A reduction, over all dimensions if none are named."""
    def run(a, x):
        dims = a.get("dims", list(range(x.dim())))
        return function(x, dims, bool(a.get("keepdim", 1)))
    return run


def plain(function, **renamed):
    """A function of the tensors, parameters under names of torch's."""
    def run(a, *tensors):
        return function(*tensors,
                        **{t: a[f] for f, t in renamed.items() if f in a})
    return run


def prelu(a, x, slope):
    """torch's, which takes slopes of channels alone, and ONNX's."""
    if slope.dim() == 1:
        return F.prelu(x, slope)
    return torch.where(x > 0, x, x * slope)


def thresholded_relu(x, alpha=1.0):
    return F.threshold(x, alpha, 0.0)


def hardsigmoid(x, alpha=1 / 6, beta=0.5):
    return torch.clamp(x * alpha + beta, 0, 1)


def shrink(x, bias=0.0, lambd=0.5):
    """Softshrink with another bias."""
    return torch.where(x > lambd, x - bias,
                       torch.where(x < -lambd, x + bias, 0 * x))


FUNCTIONS = {
    "linear": plain(F.linear),
    "matmul": plain(torch.matmul),
    "batch_norm": lambda a, x, w, b, m, v: (x - m.reshape(
        [-1] + [1] * (x.dim() - 2))) * (w / (v + a.get("eps", 1e-5)).sqrt())
        .reshape([-1] + [1] * (x.dim() - 2)) + b.reshape(
        [-1] + [1] * (x.dim() - 2)),
    "batch_norm_train": batch_norm_train,
    "layer_norm": layer_norm,
    "group_norm": lambda a, x, w=None, b=None: F.group_norm(
        x, a.get("num_groups", 1), w, b),
    "instance_norm": lambda a, x, w, b: F.instance_norm(x, None, None, w, b),
    "softmax": lambda a, x: F.softmax(x, a.get("dim", -1)),
    "log_softmax": lambda a, x: F.log_softmax(x, a.get("dim", -1)),
    "identity": plain(torch.clone),
    "dropout": plain(torch.clone),
    "dropout_train": dropout_train,
    "leaky_relu": plain(F.leaky_relu, negative_slope="negative_slope"),
    "elu": plain(F.elu, alpha="alpha"),
    "celu": plain(F.celu, alpha="alpha"),
    "gelu": plain(F.gelu, approximate="approximate"),
    "hardsigmoid": plain(hardsigmoid, alpha="alpha", beta="beta"),
    "hardtanh": plain(F.hardtanh, min_val="min_val", max_val="max_val"),
    "clamp": plain(torch.clamp, min="min", max="max"),
    "thresholded_relu": plain(thresholded_relu, alpha="alpha"),
    "shrink": plain(shrink, bias="bias", lambd="lambd"),
    "prelu": prelu,
    "concat": lambda a, *x: torch.cat(x, a["dim"]),
    "split": lambda a, x: x.split(a["sizes"], a["dim"]),
    "slice": lambda a, x: x[:, a["starts"][0]::a["steps"][0]],
    "permute": lambda a, x: x.permute(a["dims"]),
    "expand": lambda a, x: x.expand(a["sizes"]),
    "tile": lambda a, x: x.tile(a["repeats"]),
    "pad": pad,
    "depth_to_space": depth_to_space,
    "space_to_depth": space_to_depth,
    "reverse_sequence": reverse_sequence,
    "trilu": lambda a, x: x.triu(a["k"]),
    "gather": gather,
    "gather_elements": lambda a, x, i: x.gather(a["dim"], i),
    "gather_nd": lambda a, x, i: x[i[:, 0], i[:, 1]],
    "reshape": lambda a, x: x.reshape(a["shape"]),
    "flatten": lambda a, x: x.flatten(1),
    "squeeze": lambda a, x: x.squeeze(a["dims"][0]),
    "unsqueeze": lambda a, x: x.unsqueeze(a["dims"][0]),
    "cast": plain(torch.clone),
    "cumsum": cumsum,
    "reduce_sum": reduced(torch.sum),
    "reduce_mean": reduced(torch.mean),
    "reduce_max": reduced(torch.amax),
    "reduce_min": reduced(torch.amin),
    "reduce_l1": reduced(lambda x, d, k: x.abs().sum(d, k)),
    "reduce_l2": reduced(lambda x, d, k: x.norm(2, d, k)),
    "reduce_sum_square": reduced(lambda x, d, k: (x * x).sum(d, k)),
    "reduce_log_sum": reduced(lambda x, d, k: x.sum(d, k).log()),
    "reduce_log_sum_exp": reduced(torch.logsumexp),
    "global_max_pool": lambda a, x: x.amax(list(range(2, x.dim())), True),
    "global_avg_pool": lambda a, x: x.mean(list(range(2, x.dim())), True),
    "adaptive_avg_pool2d": lambda a, x: F.adaptive_avg_pool2d(
        x, a["output_size"]),
    "resize": resize,
    "cross_entropy": loss(F.cross_entropy),
    "mse_loss": loss(F.mse_loss),
    **{f"{name}{nd}d": function(nd) for nd in (1, 2, 3) for name, function in (
        ("conv", conv), ("conv_transpose", conv_transpose),
        ("max_pool", max_pool), ("avg_pool", avg_pool))},
}


def function_of(op):
    """Most functions of one value or two have torch's name."""
    if op in FUNCTIONS:
        return FUNCTIONS[op]
    return plain(getattr(torch, op, None) or getattr(F, op))


def tensor(t):
    if t is None:
        return None
    kind = {"float64": torch.float64, "int64": torch.int64,
            "bool": torch.bool}[t["dtype"]]
    v = torch.tensor(t["data"], dtype=kind).reshape(t["dims"])
    return v.requires_grad_() if kind == torch.float64 else v


def compare(case):
    """The largest difference of a case, relative where it is above 1."""
    inputs = [tensor(t) for t in case["in"]]
    args = inputs + ([case["out"]] if case["op"] == "dropout_train" else [])
    results = function_of(case["op"])(case["attrs"], *args)
    if isinstance(results, torch.Tensor):
        results = [results]
    total = 0
    for result, dy in zip(results, case["dy"]):
        if dy:
            total = total + (result * tensor(dy).detach()).sum()
    total.backward()
    worst = 0
    for x, dx in zip(inputs, case["dx"]):
        if not dx:
            continue
        got = tensor(dx).detach()
        want = torch.zeros_like(x) if x.grad is None else x.grad
        error = (got - want).abs() / want.abs().clamp(min=1)
        worst = max(worst, error.max().item())
    return worst


def main():
    printed = subprocess.run([sys.argv[1], "print"], check=True,
                             capture_output=True, text=True).stdout
    cases = [json.loads(line) for line in printed.splitlines()]
    failures = 0
    for case in cases:
        error = compare(case)
        if not error <= TOLERANCE:
            print(f"{case['op']} {case['attrs']}: torch differs by {error}")
            failures += 1
    print(f"{len(cases)} cases compared with torch {torch.__version__}, "
          f"{failures} differ")
    sys.exit(1 if failures or not cases else 0)


main()
