"""Export the averaged weights of a velocity checkpoint to ONNX."""

import argparse
from pathlib import Path

import torch

from export import export_onnx
from model import VelocityUNet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="the ONNX file to write")
    args = parser.parse_args()

    state = torch.load(args.checkpoint)
    model = VelocityUNet(**state["shape"])
    model.load_state_dict(state["average"])
    torch.manual_seed(0)
    example = {"x": torch.randn(7, 1, 28, 28), "t": torch.linspace(0, 0.98, 7)}
    export_onnx(model, example, ["velocity"], args.out)


if __name__ == "__main__":
    main()
