"""The Python of docs/ray.md runs as it stands there, on a small cluster and a store of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
import torch
from documents import run
from moto.server import ThreadedMotoServer
from networks import TinyUNet
from pyarrow import fs

import kinepath as kp
import kinepath.ray

PAGE = "docs/ray.md"
SHAPE = (3, 8, 8)
COUNT = 24
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "any",
    "AWS_SECRET_ACCESS_KEY": "any",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An S3-compatible store with a folder ``bucket``, whose credentials this process and the workers
    have, and a cluster."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    place = ":".join(map(str, server.get_host_and_port()))
    # Workers load networks whose class is in a module beside this one.
    modules = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        patch.setenv("PYTHONPATH", modules)
        creating = {"allow_bucket_creation": True, "scheme": "http"}
        fs.S3FileSystem(endpoint_override=place, **creating).create_dir("bucket")
        ray.init(num_cpus=2, num_gpus=1, include_dashboard=False, object_store_memory=100 << 20)
        yield place
        ray.shutdown()
    server.stop()


def test_the_page(endpoint: str, tmp_path: Path) -> None:
    dataset, train = str(tmp_path / "kts"), str(tmp_path / "train.npy")
    torch.save(TinyUNet(3), tmp_path / "model.pt")
    points = np.random.default_rng(0).normal(size=(30, *SHAPE)).astype(np.float32)
    np.save(train, points)
    found = run(
        PAGE,
        "def model():",
        {
            "/shared": str(tmp_path),
            '"cuda"': '"cpu"',
            "kp.Plan(50": "kp.Plan(4",
            "1_000_000": str(COUNT),
            "s3://bucket/kts": dataset,
            "(3, 32, 32)": str(SHAPE),
            "batch=512": "batch=4",
        },
    )
    assert len(found["dataset"].whole()) == len(found["dataset"].ranges) > 1
    here = {"s3://bucket/kts": dataset}
    run(PAGE, "dataset.kpe().mean", here, kinepath=kinepath)
    found |= run(PAGE, "support=10", here | {"/shared/train.npy": train}, kinepath=kinepath)
    assert "support" in found["found"].table(found["dataset"].whole()[0])

    there = f"model, kp.Plan(4), {COUNT}, shape={SHAPE}, "
    elsewhere = run(
        PAGE,
        "from pyarrow import fs",
        {"minio:9000": endpoint, "..., ": there},
        kinepath=kinepath,
        model=found["model"],
    )
    store: Any = elsewhere["store"]
    with store.open_output_stream("bucket/train.npy") as file:
        np.save(file, points)
    run(PAGE, "train_filesystem=store", kinepath=kinepath, store=store)
    sampled = kinepath.ray.Dataset("bucket/kts", filesystem=store)
    assert len(sampled.whole()) == len(sampled.ranges) > 0
    assert sampled.store.size("neighbours.toml") is not None
    assert len(kp.ray.to_run("bucket/kts", tmp_path / "run", filesystem=store)) == COUNT
