"""NVIDIA's client for Triton, with its defaults: python triton.py HOST:PORT PIXELS.npy     prints JSON"""

import json
import sys

import numpy as np
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException


def main(url, pixels):
    client = InferenceServerClient(url)
    image = InferInput("image", pixels.shape, "FP32")
    image.set_data_from_numpy(pixels)
    in_json = InferInput("image", pixels.shape, "FP32")
    in_json.set_data_from_numpy(pixels, binary_data=False)
    digit_in_json = [InferRequestedOutput("digit", binary_data=False)]
    ways = {
        "defaults": {},
        "version": {"model_version": "1"},
        "json input": {"inputs": [in_json]},
        "json both": {"inputs": [in_json], "outputs": digit_in_json},
        "gzip": {"request_compression_algorithm": "gzip", "response_compression_algorithm": "gzip"},
        "deflate": {"request_compression_algorithm": "deflate", "response_compression_algorithm": "deflate"},
        "in time": {"timeout": 10_000_000, "priority": 1},
    }
    results = {name: client.infer("digits", **({"inputs": [image]} | options)) for name, options in ways.items()}
    results["later"] = client.async_infer("digits", [image]).get_result()
    named = client.infer("digits", [image], outputs=digit_in_json, request_id="some id").get_response()
    best = client.infer("digits", [image], outputs=[InferRequestedOutput("probabilities", class_count=2)])
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model ready": [client.is_model_ready("digits"), client.is_model_ready("digits", "1")],
        "nobody ready": [client.is_model_ready("nobody"), client.is_model_ready("digits", "99")],
        "server": client.get_server_metadata(),
        "model": client.get_model_metadata("digits", model_version="1"),
        "index": client.get_model_repository_index(),
        "statistics": client.get_inference_statistics("digits", model_version="1"),
        "digits": {name: result.as_numpy("digit").tolist() for name, result in results.items()},
        "probabilities": results["defaults"].as_numpy("probabilities").tolist(),
        "named": [named["id"], [output["name"] for output in named["outputs"]]],
        "best": [[text.decode() for text in row] for row in best.as_numpy("probabilities")],
        "errors": errors(client, image, pixels),
    }


def errors(client, image, pixels):
    other = InferInput("image", [len(pixels), 784], "FP32")
    other.set_data_from_numpy(pixels.reshape(-1, 784))
    wrong = {
        "model": lambda: client.infer("nobody", [image]),
        "version": lambda: client.infer("digits", [image], model_version="99"),
        "shape": lambda: client.infer("digits", [other]),
        "output": lambda: client.infer("digits", [image], outputs=[InferRequestedOutput("colour")]),
        "time": lambda: client.infer("digits", [image], timeout=1),
        "metadata": lambda: client.get_model_metadata("nobody"),
    }
    found = {}
    for name, call in wrong.items():
        try:
            found[name] = ["no error", str(call())]
        except InferenceServerException as error:
            found[name] = [error.status(), error.message()]
    return found


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], np.load(sys.argv[2]))))
