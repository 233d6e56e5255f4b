"""LitServe with its defaults, and its log off: python litserve_server.py PORT MODEL"""

import sys
from typing import Any

import litserve
import numpy as np
from session import open_session, softmax


class Digits(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.session = open_session(sys.argv[2])

    def decode_request(self, request: dict[str, Any]) -> np.ndarray:
        return np.array(request["pixels"], np.float32).reshape(1, 1, 28, 28) / 255

    def predict(self, x: np.ndarray) -> np.ndarray:
        probabilities: np.ndarray = softmax(self.session.run(["logits"], {"image": x})[0])[0]
        return probabilities

    def encode_response(self, output: np.ndarray) -> dict[str, Any]:
        return {"digit": int(output.argmax()), "probabilities": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Digits(), accelerator="cpu")
    server.run(port=int(sys.argv[1]), generate_client_file=False, log_level="warning", access_log=False)
