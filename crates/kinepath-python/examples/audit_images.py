"""Are the pictures of a model copies of its training set? An audit of two folders.

    python audit_images.py generated/ training/ --reference held-out/

All pictures must have one size. Nothing is known of how they were made, so there are no energies:
the audit is of copying and, with held-out pictures, of quality.
"""

from __future__ import annotations

import argparse

import kinepath as kp


def main(arguments: list[str] | None = None) -> kp.Study:
    """Audits, prints what was found, and returns it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", help="folder of generated pictures")
    parser.add_argument("train", help="folder of training pictures")
    parser.add_argument("--reference", help="folder of real pictures the model has not seen")
    parser.add_argument("--encoder", help="ONNX network whose features are the feature space")
    parser.add_argument("--out", default="audit", help="folder for study.json and report.html")
    options = parser.parse_args(arguments)

    study = kp.study(
        options.samples,
        train=options.train,
        reference=options.reference,
        encoder=options.encoder,
        copies_in="features" if options.encoder else "pixels",
        out=options.out,
    )
    for key, (estimate, low, high) in study.figures().items():
        print(f"{key:>20} {estimate:8.3f}  [{low:.3f}, {high:.3f}]")
    for finding in study.findings:
        print(finding)
    print(f"report: {study.report}")
    return study


if __name__ == "__main__":
    main()
