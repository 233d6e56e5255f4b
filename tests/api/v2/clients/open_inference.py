"""The client made from the protocol's own document: python open_inference.py HOST:PORT PIXELS.npy     prints JSON"""

import json
import sys

import numpy as np

sys.path.pop(0)  # this file has the package's name

from open_inference.openapi.client import OpenInferenceClient
from open_inference.openapi.errors import BadRequestError, NotFoundError
from open_inference.openapi.types import InferenceRequest, RequestInput, RequestOutput


def main(url, pixels):
    client = OpenInferenceClient(base_url=f"http://{url}")
    client.check_server_liveness()
    client.check_server_readiness()
    client.check_model_readiness("digits")
    client.check_model_version_readiness("digits", "1")
    server, model = client.read_server_metadata(), client.read_model_metadata("digits")
    assert client.read_model_version_metadata("digits", "1") == model

    def ask(data, **fields):
        image = RequestInput(name="image", shape=list(pixels.shape), datatype="FP32", data=data)
        return InferenceRequest(inputs=[image], **fields)

    nested = client.model_infer("digits", request=ask(pixels.tolist()))
    flat = client.model_version_infer(
        "digits", "1", request=ask(pixels.ravel().tolist(), id="x", outputs=[RequestOutput(name="digit")])
    )
    refusals = []
    for call, kind in (
        (lambda: client.model_infer("digits", request=ask([0.0])), BadRequestError),
        (lambda: client.check_model_readiness("nobody"), NotFoundError),
    ):
        try:
            call()
        except kind as error:
            refusals.append(error.body["error"])
    return {
        "server": server.name,
        "inputs": [json.loads(tensor.json()) for tensor in model.inputs],
        "nested": json.loads(nested.json()),
        "flat": json.loads(flat.json()),
        "refusals": refusals,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], np.load(sys.argv[2]))))
