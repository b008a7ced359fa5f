#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What torch says of the module classes: python3 tests/golden/nn/make.py

Writes beside this file state.npz and state.safetensors, as torch programs
write them: the parameters of a small model after two steps of training; and
classes.npz and classes.txt, what each module of CASES answers, and the keys of
its state. Weights and inputs are those of fx_module_fill() and fx_gen().
"""
import json
import os
import struct

import numpy as np
import torch
from torch import nn

here = os.path.dirname(os.path.abspath(__file__))


def save_safetensors(path, state):
    """The format in ten lines, for want of a package that has it."""
    header, data = {}, b''
    order = sorted(state.items(), key=lambda kv: (-kv[1].itemsize, kv[0]))
    for key, v in order:
        begin, data = len(data), data + v.tobytes()
        header[key] = {'dtype': {'float32': 'F32', 'int64': 'I64'}[str(v.dtype)],
                       'shape': list(v.shape),
                       'data_offsets': [begin, len(data)]}
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text + data)


def make_state():
    torch.manual_seed(7)
    m = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(),
                      nn.Linear(12, 2))
    m(torch.rand(2, 2, 4, 4))
    m(torch.rand(2, 2, 4, 4))
    state = {k: v.numpy() for k, v in m.state_dict().items()}
    np.savez(os.path.join(here, 'state.npz'), **state)
    save_safetensors(os.path.join(here, 'state.safetensors'), state)


def gen(seed, shape, scale=1.0):
    """fx_gen(): bits 16 to 23 of a linear congruential generator."""
    out = np.empty(int(np.prod(shape, dtype=np.int64)), np.float32)
    for i in range(out.size):
        seed = (seed * 1664525 + 1013904223) & 0xffffffff
        out[i] = np.float32((seed >> 16 & 0xff) - 128) / np.float32(64) * np.float32(scale)
    return torch.from_numpy(out.reshape(shape))


def fill(module, seed):
    """fx_module_fill()"""
    for i, (_, p) in enumerate(sorted(module.named_parameters())):
        p.data = gen(seed + 101 * i, tuple(p.shape), 0.25)
    floats = sorted(module.named_buffers())
    for i, (name, b) in enumerate(floats):
        if name.endswith('running_mean'):
            b.data = gen(seed + 5000 + i, tuple(b.shape), 0.25)
        elif name.endswith('running_var'):
            b.data = gen(seed + 6000 + i, tuple(b.shape), 0.125).abs() + 0.5


# name, module, shape of its input
CASES = [
    ('Conv1d', nn.Conv1d(3, 4, 3, stride=2, padding=1), (2, 3, 9)),
    ('Conv3d', nn.Conv3d(2, 4, 3, padding=1, groups=2), (1, 2, 4, 3, 5)),
    ('ConvTranspose1d', nn.ConvTranspose1d(4, 2, 3, 2, 1, 1, 2), (2, 4, 5)),
    ('ConvTranspose2d', nn.ConvTranspose2d(3, 4, (3, 2), (2, 1), (1, 0)),
     (1, 3, 4, 5)),
    ('BatchNorm1d', nn.BatchNorm1d(3), (2, 3, 5)),
    ('BatchNorm3d', nn.BatchNorm3d(2), (1, 2, 3, 2, 4)),
    ('LayerNorm', nn.LayerNorm(6), (2, 3, 6)),
    ('LayerNorm2', nn.LayerNorm((3, 6), 1e-3), (2, 3, 6)),
    ('GroupNorm', nn.GroupNorm(2, 6), (2, 6, 3, 3)),
    ('LeakyReLU', nn.LeakyReLU(0.2), (2, 9)),
    ('PReLU', nn.PReLU(), (2, 3, 4)),
    ('PReLU3', nn.PReLU(3), (2, 3, 4)),
    ('GELU', nn.GELU(), (2, 9)),
    ('GELUtanh', nn.GELU('tanh'), (2, 9)),
    ('Hardsigmoid', nn.Hardsigmoid(), (2, 9)),
    ('Tanh', nn.Tanh(), (2, 9)),
    ('MaxPool1d', nn.MaxPool1d(3, 2, 1), (2, 3, 9)),
    ('AvgPool1d', nn.AvgPool1d(3, 2, 1), (2, 3, 9)),
    ('AdaptiveAvgPool1d', nn.AdaptiveAvgPool1d(4), (2, 3, 9)),
    ('AdaptiveAvgPool1d1', nn.AdaptiveAvgPool1d(1), (2, 3, 9)),
    ('Upsample', nn.Upsample(scale_factor=2), (1, 2, 3, 4)),
    ('UpsampleLinear', nn.Upsample(scale_factor=1.5, mode='bilinear'),
     (1, 2, 4, 6)),
    ('UpsampleCorners',
     nn.Upsample((5, 7), mode='bilinear', align_corners=True), (1, 2, 3, 4)),
    ('UpsampleCubic', nn.Upsample(size=7, mode='bicubic'), (1, 2, 3, 4)),
    ('LSTM', nn.LSTM(3, 4), (5, 2, 3)),
    ('LSTM2', nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True),
     (2, 5, 3)),
    ('LSTMplain', nn.LSTM(3, 4, bias=False), (5, 3)),
    ('Attention', nn.MultiheadAttention(8, 2, batch_first=True), (2, 3, 8)),
    ('AttentionSeq', nn.MultiheadAttention(8, 2), (3, 2, 8)),
]


def parts(y):
    """The tensors of nested tuples, one after the other."""
    if y is None:
        return []
    if isinstance(y, tuple):
        return [t for part in y for t in parts(part)]
    return [y]


def make_classes():
    answers, keys = {}, ''
    for name, module, shape in CASES:
        module.eval()
        fill(module, 77)
        x = gen(5, shape)
        y = module(x, x, x) if name.startswith('Att') else module(x)
        for i, part in enumerate(parts(y)):
            answers[f'{name}.{i}'] = part.detach().numpy()
        for key, v in module.state_dict().items():
            keys += f'{name} {key} {str(v.dtype)[6:]} {list(v.shape)}\n'
    embedding = nn.Embedding(5, 3, 1)
    fill(embedding, 77)
    answers['Embedding.0'] = embedding(torch.tensor([[4, 0], [2, 4]])
                                       ).detach().numpy()
    keys += f'Embedding weight float32 [5, 3]\n'
    np.savez_compressed(os.path.join(here, 'classes.npz'), **answers)
    with open(os.path.join(here, 'classes.txt'), 'w') as f:
        f.write(keys)


if __name__ == '__main__':
    make_state()
    make_classes()
