"""What people write: FastAPI, pydantic models, and the network by ONNX Runtime or by eager torch.

python fastapi_server.py PORT (onnx MODEL | torch WEIGHTS)
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field


class Picture(BaseModel):
    pixels: Annotated[list[float], Field(min_length=784, max_length=784)]


class Prediction(BaseModel):
    digit: int
    probabilities: list[float]


def load_onnx(file: str) -> Callable[[np.ndarray], np.ndarray]:
    from session import open_session, softmax

    session = open_session(file)
    return lambda pixels: softmax(session.run(["logits"], {"image": pixels})[0])


def load_torch(file: str) -> Callable[[np.ndarray], np.ndarray]:
    import torch
    from safetensors.torch import load

    from models.training.digit_network import DigitNetwork

    torch.set_num_threads(1)
    network = DigitNetwork()
    network.load_state_dict(load(Path(file).read_bytes()))
    network.eval()

    def predict(pixels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            probabilities: np.ndarray = network.logits(torch.from_numpy(pixels)).softmax(1).numpy()
            return probabilities

    return predict


port, engine, file = sys.argv[1:]
network = {"onnx": load_onnx, "torch": load_torch}[engine](file)
app = FastAPI()


@app.post("/predict")
async def predict(picture: Picture) -> Prediction:
    pixels = np.array(picture.pixels, np.float32).reshape(1, 1, 28, 28) / 255
    probabilities = network(pixels)[0]
    return Prediction(digit=int(probabilities.argmax()), probabilities=probabilities.tolist())


uvicorn.run(app, port=int(port), access_log=False, log_level="warning")
