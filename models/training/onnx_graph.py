"""Writes ONNX files of networks that are a chain of layers."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

OPSET = 17

Port = tuple[str, list[int | str]]  # a name and a shape; a side that is a word may have any length


class GraphBuilder:
    """A chain of ONNX nodes, each fed by the one before, from a float32 tensor to another."""

    def __init__(self, name: str, entry: Port, end: Port) -> None:
        self._name, self._entry, self._end = name, entry, end
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._last = entry[0]

    def add(self, operator: str, name: str = "", *weights: Tensor, **attributes: Any) -> None:
        """A node; its weights are stored as float32."""
        names = [f"{name}.weight", f"{name}.bias"][: len(weights)]
        for label, weight in zip(names, weights, strict=True):
            self._weights.append(numpy_helper.from_array(weight.numpy().astype(np.float32), label))
        output = f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, [self._last, *names], [output], **attributes))
        self._last = output

    def serialize(self, facts: dict[str, str]) -> bytes:
        """The file, checked, with `facts` as its metadata."""
        self._nodes[-1].output[0] = self._end[0]
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in (self._entry, self._end)
        ]
        graph = helper.make_graph(self._nodes, self._name, ends[:1], ends[1:], self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        helper.set_model_props(model, facts)
        onnx.checker.check_model(model, full_check=True)
        serialized: bytes = model.SerializeToString()
        return serialized
