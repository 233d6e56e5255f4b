"""BentoML, which by itself writes an access log: MODEL=... [BENTO_ACCESS_LOG=1] bentoml serve bentoml_server:Digits"""

import os
from typing import Any

import bentoml
import numpy as np
from session import open_session, softmax


@bentoml.service(logging={"access": {"enabled": "BENTO_ACCESS_LOG" in os.environ}})
class Digits:
    def __init__(self) -> None:
        self.session = open_session(os.environ["MODEL"])

    @bentoml.api
    async def predict(self, pixels: list[float]) -> dict[str, Any]:
        image = np.array(pixels, np.float32).reshape(1, 1, 28, 28) / 255
        probabilities = softmax(self.session.run(["logits"], {"image": image})[0])[0]
        return {"digit": int(probabilities.argmax()), "probabilities": probabilities.tolist()}
