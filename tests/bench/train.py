#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An epoch of torch's on the network of fmnist_net.c: train.py X.idx Y.idx BATCH

Prints the seconds that it took; two threads, SGD with Nesterov's momentum.
"""
import sys
import time

import numpy
import torch
from torch import nn
from torch.nn import functional


def conv_bn(inputs, outputs, kernel, stride):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(conv_bn(inputs, outputs, 3, stride),
                                  nn.ReLU(), conv_bn(outputs, outputs, 3, 1))
        self.skip = (nn.Identity() if inputs == outputs else
                     conv_bn(inputs, outputs, 1, stride))

    def forward(self, x):
        return functional.relu(self.body(x) + self.skip(x))


def main():
    images = numpy.fromfile(sys.argv[1], numpy.uint8)[16:]
    labels = numpy.fromfile(sys.argv[2], numpy.uint8)[8:]
    batch = int(sys.argv[3])
    torch.set_num_threads(2)
    x = torch.from_numpy(images.astype(numpy.float32) / 255 - 0.286) / 0.353
    x = x.reshape(-1, 1, 28, 28)
    y = torch.from_numpy(labels.astype(numpy.int64))
    net = nn.Sequential(conv_bn(1, 24, 3, 1), nn.ReLU(), nn.MaxPool2d(2),
                        Block(24, 32, 1), Block(32, 64, 2),
                        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                        nn.Linear(64, 10))
    sgd = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, nesterov=True,
                          weight_decay=5e-4)
    begun = time.monotonic()
    order = torch.randperm(len(y))
    for i in range(0, len(y) // batch * batch, batch):
        chosen = order[i:i + batch]
        sgd.zero_grad()
        functional.cross_entropy(net(x[chosen]), y[chosen]).backward()
        sgd.step()
    print(time.monotonic() - begun)


main()
