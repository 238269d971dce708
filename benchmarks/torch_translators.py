"""PyTorch's translators behind a pipe: a JSON request a line in, a reply a line out.

Runs under an interpreter that has PyTorch; needs nothing else of this project. The
networks are those of ``tirjax.translators``, written down layer by layer: the U-Net of
pix2pix and the ResNet generator of CycleGAN. A request names a network, a batch and a
number of repetitions; the reply holds seconds, one a repetition. ``check`` translates
the given image with given weights instead, to show that it is the same network.
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn

WIDTHS = [64, 128, 256, 512, 512, 512, 512, 512]


class UNet(nn.Module):
    """Eight halvings and doublings with batch norms, for 256 pixels."""

    def __init__(self, outputs: int):
        super().__init__()
        last = len(WIDTHS) - 1
        ins = [3, *WIDTHS[:-1]]
        outs = [outputs, *WIDTHS[:-1]]
        self.down = nn.ModuleList(
            nn.Conv2d(i, o, 4, 2, 1, bias=False)
            for i, o in zip(ins, WIDTHS, strict=True)
        )
        self.down_norm = nn.ModuleDict(
            {str(k): nn.BatchNorm2d(WIDTHS[k]) for k in range(1, last)}
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(w if k == last else 2 * w, o, 4, 2, 1, bias=k == 0)
            for k, (w, o) in enumerate(zip(WIDTHS, outs, strict=True))
        )
        self.up_norm = nn.ModuleDict(
            {str(k): nn.BatchNorm2d(outs[k]) for k in range(1, last + 1)}
        )

    def forward(self, x):
        """Translates a batch, channels first."""
        maps, last = [], len(WIDTHS) - 1
        for k, down in enumerate(self.down):
            x = down(nn.functional.leaky_relu(x, 0.2) if k else x)
            if 0 < k < last:
                x = self.down_norm[str(k)](x)
            maps.append(x)
        for k in range(last, -1, -1):
            joined = x if k == last else torch.cat([maps[k], x], 1)
            x = self.up[k](nn.functional.relu(joined))
            if k:
                x = self.up_norm[str(k)](x)
        return torch.tanh(x)


class Block(nn.Module):
    """Two convolutions and a skip connection."""

    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
        )

    def forward(self, x):
        """Adds to the input what is to change in it."""
        return x + self.body(x)


def resnet(outputs: int, blocks: int = 9, width: int = 64) -> nn.Module:
    """Two halvings, residual blocks, two doublings."""
    layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), *_after(width)]
    for i in (1, 2):
        layers += [nn.Conv2d(i * width, 2 * i * width, 3, 2, 1), *_after(2 * i * width)]
    layers += [Block(4 * width) for _ in range(blocks)]
    for i in (2, 1):
        up = nn.ConvTranspose2d(2 * i * width, i * width, 3, 2, 1, output_padding=1)
        layers += [up, *_after(i * width)]
    return nn.Sequential(
        *layers, nn.ReflectionPad2d(3), nn.Conv2d(width, outputs, 7), nn.Tanh()
    )


def _after(width):
    return nn.InstanceNorm2d(width), nn.ReLU(inplace=True)


def build(name: str) -> nn.Module:
    """A network in training mode: norms take the statistics of the batch."""
    torch.manual_seed(0)
    return UNet(1) if name == "unet_256" else resnet(3)


def main() -> None:
    """Answers until the pipe closes."""
    torch.set_num_threads(int(sys.argv[1]))
    about = {"torch": torch.__version__, "threads": torch.get_num_threads()}
    print(json.dumps(about), flush=True)
    nets: dict[str, nn.Module] = {}
    for line in sys.stdin:
        request = json.loads(line)
        name = request["network"]
        net = nets.setdefault(name, build(name))
        if "save" in request:
            arrays = {k: v.numpy() for k, v in net.state_dict().items()}
            x = torch.randn(1, 3, 256, 256)
            with torch.inference_mode():
                y = net(x)
            np.savez(request["save"], __x=x.numpy(), __y=y.numpy(), **arrays)
            print(json.dumps({"saved": True}), flush=True)
            continue
        x = torch.randn(request["batch"], 3, 256, 256)
        seconds = []
        with torch.inference_mode():
            for _ in range(request["repeats"]):
                started = time.perf_counter(), time.process_time()
                net(x)
                seconds.append(
                    [time.perf_counter() - started[0], time.process_time() - started[1]]
                )
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
