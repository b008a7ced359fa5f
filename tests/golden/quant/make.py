#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Asks torch for the goldens of this folder, and writes them beside itself.

It runs where fxq is not: Debian bookworm's python3-torch 1.13 on an x86-64
processor. The files come out the same to the byte each time on one processor;
another one may round float sums in another order.
"""
import copy
import json
import os
import warnings

warnings.filterwarnings("ignore")

import numpy as np
import torch
import torch.ao.quantization as quantization
import torch.nn.functional as F
from torch import nn
from torch.ao.quantization import quantize_fx
from torch.ao.quantization.backend_config import (
    DTypeConfig, get_native_backend_config)

HERE = os.path.dirname(os.path.abspath(__file__))
CALIBRATION_SCALES = (1.0, 0.5, 1.0)


# Numbers that a test in C can make again.

def generate(shape, seed, scale=1.0):
    """The generator that README.md describes; exact in float32."""
    values = np.empty(int(np.prod(shape)), np.float32)
    for i in range(values.size):
        seed = (seed * 1664525 + 1013904223) & 0xffffffff
        values[i] = (((seed >> 16) & 0xff) - 128) / 64 * scale
    return torch.from_numpy(values.reshape(shape))


def fill(module, seed):
    """Parameters and buffers of @module, numbered in the order of names."""
    for i, (_, value) in enumerate(sorted(module.named_parameters())):
        with torch.no_grad():
            value.copy_(generate(tuple(value.shape), seed + 101 * i, 0.25))
    for i, (name, value) in enumerate(sorted(module.named_buffers())):
        shape = tuple(value.shape)
        if name.endswith("running_mean"):
            value.copy_(generate(shape, seed + 5000 + i, 0.25))
        if name.endswith("running_var"):
            value.copy_(generate(shape, seed + 6000 + i, 0.125).abs() + 0.5)
    return module.eval()


# The networks.

class Linear(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        return self.fc(x)


class Conv(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1, **options)

    def forward(self, x):
        return self.conv(x)


class ConvBnRelu(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.bn(self.conv(x)))


class Depthwise(nn.Module):
    def __init__(self):
        super().__init__()
        self.dw = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.pw = nn.Conv2d(8, 6, 1)

    def forward(self, x):
        return self.pw(F.relu(self.dw(x)))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(4, 4, 3, padding=1)
        self.b1 = nn.BatchNorm2d(4)
        self.c2 = nn.Conv2d(4, 4, 3, padding=1)
        self.b2 = nn.BatchNorm2d(4)
        self.relu = nn.ReLU()

    def forward(self, x):
        y = self.relu(self.b1(self.c1(x)))
        y = self.b2(self.c2(y))
        return self.relu(y + x)


class Concat(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 2, 1)
        self.b = nn.Conv2d(3, 3, 1)

    def forward(self, x):
        return torch.cat([self.a(x), self.b(x)], 1)


class PoolLinear(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 4, 3, padding=1)
        self.mp = nn.MaxPool2d(2)
        self.ap = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        x = self.mp(F.relu(self.c(x)))
        return self.fc(torch.flatten(self.ap(x), 1))


class Tiny(nn.Module):
    """A network of the kind that runs on phones, in small."""

    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(
            self.block(3, 8, stride=2, groups=1),
            self.block(8, 8, stride=1, groups=8),
            nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8))
        self.fc = nn.Linear(8, 10)

    @staticmethod
    def block(ins, outs, stride, groups):
        return nn.Sequential(
            nn.Conv2d(ins, outs, 3, stride, 1, groups=groups, bias=False),
            nn.BatchNorm2d(outs), nn.ReLU())

    def forward(self, x):
        x = F.adaptive_avg_pool2d(self.f(x), 1).flatten(1)
        return self.fc(x)


class Sigmoid(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        return torch.sigmoid(self.c(x)) * 1.0


NETS = {
    "lin": (Linear, (4, 8)),
    "conv": (Conv, (1, 3, 6, 6)),
    "conv_s2_nobias": (lambda: Conv(stride=2, bias=False), (1, 3, 7, 7)),
    "conv_bn_relu": (ConvBnRelu, (2, 3, 6, 6)),
    "depthwise": (Depthwise, (1, 8, 6, 6)),
    "residual": (Residual, (1, 4, 6, 6)),
    "concat": (Concat, (1, 3, 4, 4)),
    "pool_fc": (PoolLinear, (1, 3, 8, 8)),
    "tiny": (Tiny, (1, 3, 16, 16)),
    "sigmoid": (Sigmoid, (1, 3, 4, 4)),
}


# The configurations.

def per_channel(**options):
    return quantization.PerChannelMinMaxObserver.with_args(
        dtype=torch.qint8, qscheme=torch.per_channel_symmetric, **options)


def symmetric(**options):
    return quantization.MinMaxObserver.with_args(
        dtype=torch.qint8, qscheme=torch.per_tensor_symmetric, **options)


CONFIGS = {
    "qnnpack_default": quantization.get_default_qconfig("qnnpack"),
    "qnnpack_minmax_pc": quantization.QConfig(
        activation=quantization.MinMaxObserver.with_args(dtype=torch.quint8),
        weight=per_channel()),
    "sym_int8_ref": quantization.QConfig(
        activation=symmetric(quant_min=-128, quant_max=127),
        weight=per_channel(quant_min=-127, quant_max=127, ch_axis=0)),
    "sym_int8_ref_pt": quantization.QConfig(
        activation=symmetric(quant_min=-128, quant_max=127),
        weight=symmetric(quant_min=-127, quant_max=127)),
}


def reference_backend():
    """Torch's own backend, with signed activations allowed everywhere."""
    backend = copy.deepcopy(get_native_backend_config())
    both = dict(input_dtype=torch.qint8, output_dtype=torch.qint8)
    weighted = DTypeConfig(weight_dtype=torch.qint8, bias_dtype=torch.float,
                           **both)
    for pattern in backend.configs.values():
        has_weights = any(d.weight_dtype for d in pattern.dtype_configs)
        pattern.add_dtype_config(weighted if has_weights
                                 else DTypeConfig(**both))
    return backend


def mapping_of(config):
    """@config for all, but for sigmoids, whose scale torch knows."""
    mapping = quantization.QConfigMapping().set_global(config)
    default = quantization.get_default_qconfig_mapping("qnnpack")
    for kind, own in default.object_type_qconfigs.items():
        if kind in (torch.sigmoid, nn.Sigmoid, F.sigmoid, "sigmoid"):
            mapping.set_object_type(kind, own)
    return mapping


# What is kept.

def array(tensor):
    return tensor.detach().numpy()


def floats(tensor):
    return [float(v) for v in array(tensor).ravel()]


def write_json(name, value):
    with open(os.path.join(HERE, name + ".json"), "w") as out:
        json.dump(value, out, indent=1)
        out.write("\n")


def write_npz(name, arrays):
    np.savez(os.path.join(HERE, name + ".npz"), **arrays)


def run_by_node(graph, x):
    """The values of all nodes, in order."""
    values = {}

    class Recorder(torch.fx.Interpreter):
        def run_node(self, node):
            values[node.name] = super().run_node(node)
            return values[node.name]

    with torch.no_grad():
        Recorder(graph).run(x)
    return {name: value for name, value in values.items()
            if isinstance(value, torch.Tensor) and value.is_quantized}


def weights_of(module):
    """Quantized weights and float bias, or None."""
    if hasattr(module, "get_quantized_weight"):
        return module.get_quantized_weight(), module.bias
    if hasattr(module, "weight") and callable(module.weight):
        return module.weight(), module.bias()
    return None


def scales_of(weight):
    if weight.qscheme() in (torch.per_channel_affine,
                            torch.per_channel_symmetric):
        return [float(v) for v in weight.q_per_channel_scales()]
    return [float(weight.q_scale())]


def scales_found(prepared):
    """What each observer of a range found, shared ones once."""
    return {name: {"scale": floats(scale), "zero_point": [int(zero_point)]}
            for name, module in prepared.named_modules()
            if name.startswith("activation_post_process_")
            and hasattr(module, "min_val")
            for scale, zero_point in [module.calculate_qparams()]}


def convert(name, make, shape, config_name, config):
    x = generate(shape, 42)
    reference = "ref" in config_name
    options = {"backend_config": reference_backend()} if reference else {}
    finish = (quantize_fx.convert_to_reference_fx if reference
              else quantize_fx.convert_fx)

    prepared = quantize_fx.prepare_fx(
        fill(make(), 1000 + len(name)), mapping_of(config),
        example_inputs=(x,), **options)
    prepared_code = prepared.code
    with torch.no_grad():
        for i, scale in enumerate(CALIBRATION_SCALES):
            prepared(generate(shape, 42 + i, scale))
    scales = scales_found(prepared)
    graph = finish(prepared, **options)

    fused = quantize_fx.fuse_fx(fill(make(), 1000 + len(name)))
    arrays = {"x": array(x), "y_float": array(fused(x))}
    values, layers = {}, {}
    for value_name, value in run_by_node(graph, x).items():
        arrays["q__" + value_name] = array(value.int_repr())
        values[value_name] = {"scale": float(value.q_scale()),
                              "zero_point": int(value.q_zero_point()),
                              "dtype": str(value.dtype)}
    for layer_name, module in graph.named_modules():
        found = weights_of(module)
        if not found:
            continue
        weight, bias = found
        arrays["w_int8__" + layer_name] = array(weight.int_repr())
        if bias is not None:
            arrays["b_float__" + layer_name] = array(bias)
        layers[layer_name] = {"w_scale": scales_of(weight)}
    write_npz(f"{name}__{config_name}", arrays)
    write_json(f"{name}__{config_name}", {
        "fused_code": fused.code, "prepared_code": prepared_code,
        "converted_code": graph.code, "observers": scales,
        "values": values, "layers": layers})


def fold():
    """A convolution and its batch norm, apart and as one."""
    conv, bn = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)
    both = fill(nn.Sequential(conv, bn), 77)
    x = generate((2, 3, 6, 6), 5)
    one = torch.nn.utils.fusion.fuse_conv_bn_eval(conv, bn)
    write_npz("bn_fold", {
        "x": array(x), "w": array(conv.weight), "b": array(conv.bias),
        "gamma": array(bn.weight), "beta": array(bn.bias),
        "mean": array(bn.running_mean), "var": array(bn.running_var),
        "w_fold": array(one.weight), "b_fold": array(one.bias),
        "y_bn": array(both(x)), "y_fold": array(one(x))})


def train_quantized():
    """Two steps of a convolution, batch norm and relu with quantized weights,
    and what it gives afterwards."""
    conv, bn = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)
    fill(nn.Sequential(conv, bn), 77)
    weight = quantization.FakeQuantize.with_args(
        observer=quantization.MovingAveragePerChannelMinMaxObserver,
        quant_min=-127, quant_max=127, dtype=torch.qint8,
        qscheme=torch.per_channel_symmetric, ch_axis=0)
    fused = nn.intrinsic.ConvBnReLU2d(conv, bn, nn.ReLU()).train()
    fused.qconfig = quantization.QConfig(activation=weight, weight=weight)
    module = nn.intrinsic.qat.ConvBnReLU2d.from_float(fused).train()
    x = generate((2, 3, 6, 6), 5)
    steps = [array(module(x)) for _ in range(2)]
    write_npz("bnfold_qat", {
        "x": array(x), "qat_y_train1": steps[0], "qat_y_train2": steps[1],
        "qat_y_eval": array(module.eval()(x)),
        "qat_running_mean": array(module.bn.running_mean),
        "qat_running_var": array(module.bn.running_var),
        "qat_w_scale": array(module.weight_fake_quant.scale)})


def observe(name, batches, **options):
    """What the observer that @name begins with finds in @batches."""
    observer = getattr(quantization, name.split("_")[0])(**options)
    history = []
    for batch in batches:
        observer(batch)
        history.append({"min": floats(observer.min_val),
                        "max": floats(observer.max_val)})
    scale, zero_point = observer.calculate_qparams()
    return {"observer": name, "dtype": str(observer.dtype),
            "qscheme": str(observer.qscheme),
            "quant_min": observer.quant_min, "quant_max": observer.quant_max,
            "history": history, "scale": floats(scale),
            "zero_point": [int(v) for v in array(zero_point).ravel()]}


def observers_of(batches):
    for dtype in (torch.quint8, torch.qint8):
        for qscheme in (torch.per_tensor_affine, torch.per_tensor_symmetric):
            for kind in ("MinMaxObserver", "MovingAverageMinMaxObserver",
                         "HistogramObserver"):
                yield observe(kind, batches, dtype=dtype, qscheme=qscheme)
    yield observe("MinMaxObserver_reduce_range", batches, dtype=torch.quint8,
                  reduce_range=True)
    yield observe("MinMaxObserver_-127_127", batches, dtype=torch.qint8,
                  qscheme=torch.per_tensor_symmetric, quant_min=-127,
                  quant_max=127, eps=2 ** -12)
    for qscheme in (torch.per_channel_symmetric, torch.per_channel_affine):
        for kind in ("PerChannelMinMaxObserver",
                     "MovingAveragePerChannelMinMaxObserver"):
            yield observe(kind, batches, dtype=torch.qint8, qscheme=qscheme,
                          ch_axis=1)


def observers():
    signed = [generate((2, 3, 4, 4), 10 + i, scale)
              for i, scale in enumerate((1.0, 0.5, 2.0))]
    signed[1] = signed[1] + 0.75
    positive = [batch.abs() + 0.1 for batch in signed]
    results = []
    for data, batches in (("signed", signed), ("positive", positive)):
        results += [{"data": data, **found} for found in observers_of(batches)]
    results.append({"data": "zeros", **observe(
        "MinMaxObserver", [torch.zeros(4)], dtype=torch.qint8,
        qscheme=torch.per_tensor_symmetric)})
    write_json("observers", {"results": results})


def rounding():
    x = torch.tensor([-3.0, -2.5, -2.0, -1.5, -1.0, -.75, -.5, -.25, 0, .25,
                      .5, .75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 127, 127.5, 128,
                      -128, -128.5, -129, 1e9, -1e9])
    results = []
    for scale, zero_point in ((1.0, 0), (0.5, 0), (1.0, 3), (0.1, 0),
                              (0.1, -5), (1 / 3, 7)):
        q = torch.quantize_per_tensor(x, scale, zero_point, torch.qint8)
        fake = torch.fake_quantize_per_tensor_affine(x, scale, zero_point,
                                                     -128, 127)
        results.append({"scale": scale, "zp": zero_point, "x": floats(x),
                        "qint8": [int(v) for v in array(q.int_repr())],
                        "fake_quant": floats(fake)})
    write_json("rounding", results)


def main():
    torch.set_num_threads(1)
    torch.backends.quantized.engine = "qnnpack"
    observers()
    rounding()
    fold()
    train_quantized()
    for name, (make, shape) in NETS.items():
        for config_name, config in CONFIGS.items():
            if name != "sigmoid" or "ref" not in config_name:
                convert(name, make, shape, config_name, config)


main()
