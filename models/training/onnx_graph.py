"""Builds ONNX files of networks whose layers form a chain."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

OPSET = 17

Port = tuple[str, list[int | str]]  # a name and a shape; a dimension that is a word may have any size


class GraphBuilder:
    """A chain of ONNX nodes from a float32 input to a float32 output; each node's input is the output of the last."""

    def __init__(self, name: str, source: Port, target: Port) -> None:
        self._name, self._input, self._output = name, source, target
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._last = source[0]

    def add(self, operator: str, name: str = "", *weights: Tensor, **attributes: Any) -> None:
        """Append a node. Its weights are stored as float32."""
        names = [f"{name}.weight", f"{name}.bias"][: len(weights)]
        for label, weight in zip(names, weights, strict=True):
            self._weights.append(numpy_helper.from_array(weight.numpy().astype(np.float32), label))
        output = f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, [self._last, *names], [output], **attributes))
        self._last = output

    def serialize(self, metadata: dict[str, str]) -> bytes:
        """Returns the checked file with its metadata."""
        self._nodes[-1].output[0] = self._output[0]
        source, target = (
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in (self._input, self._output)
        )
        graph = helper.make_graph(self._nodes, self._name, [source], [target], self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model, full_check=True)
        serialized: bytes = model.SerializeToString()
        return serialized
