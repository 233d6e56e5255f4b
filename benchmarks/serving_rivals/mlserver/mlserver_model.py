"""MLServer's custom runtime, in the process that takes the requests (its quickest way): mlserver start ."""

import os

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from session import open_session, softmax


class Digits(MLModel):
    async def load(self) -> bool:
        self.session = open_session(os.environ["MODEL"])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        image = NumpyCodec.decode_input(payload.inputs[0]).astype(np.float32)
        probabilities = softmax(self.session.run(["logits"], {"image": image})[0])
        outputs = [
            NumpyCodec.encode_output("digit", probabilities.argmax(axis=1)),
            NumpyCodec.encode_output("probabilities", probabilities),
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)
