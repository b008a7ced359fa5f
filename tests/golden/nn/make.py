#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What torch says of the module classes: python3 tests/golden/nn/make.py

Writes state.npz and state.safetensors beside this file, as torch programs
write them: the parameters of a small model after two steps of training.
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


if __name__ == '__main__':
    make_state()
