"""The same client on asyncio: python triton_aio.py HOST:PORT PIXELS.npy     prints JSON"""

import asyncio
import json
import sys

import numpy as np
from tritonclient.http import InferInput
from tritonclient.http.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException


async def main(url, pixels):
    async with InferenceServerClient(url) as client:
        inputs = []
        for row in pixels:
            inputs.append(InferInput("image", [1, *row.shape], "FP32"))
            inputs[-1].set_data_from_numpy(row[None])
        results = await asyncio.gather(*(client.infer("digits", [image]) for image in inputs))
        packed = await client.infer("digits", inputs[:1], request_compression_algorithm="gzip")
        try:
            await client.infer("nobody", inputs[:1])
        except InferenceServerException as error:
            refusal = [error.status(), error.message()]
        return {
            "live": await client.is_server_live(),
            "ready": await client.is_server_ready() and await client.is_model_ready("digits"),
            "model": await client.get_model_metadata("digits"),
            "index": await client.get_model_repository_index(),
            "digits": [int(result.as_numpy("digit")[0]) for result in results],
            "packed": packed.as_numpy("probabilities").tolist(),
            "refusal": refusal,
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], np.load(sys.argv[2])))))
