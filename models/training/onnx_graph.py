"""Builds ONNX files of networks whose layers form a chain, with a few shortcuts."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

OPSET = 17

Port = tuple[str, list[int | str]]  # a name and a shape; a dimension that is a word may have any size


class GraphBuilder:
    """A chain of ONNX nodes from a float32 input to a float32 output; each node's input is the output of the last."""

    def __init__(self, name: str, source: Port, target: Port) -> None:
        self._name, self._input, self._output = name, source, target
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._last = source[0]

    def add(
        self, operator: str, name: str = "", *weights: Tensor, also: tuple[str, ...] = (), **attributes: Any
    ) -> str:
        """Append a node; returns the name of its output. Its weights are stored as float32.

        `also` are further inputs before the weights: outputs of earlier nodes, or "" for what is left out.
        """
        names = [f"{name}.weight", f"{name}.bias"][: len(weights)]
        for label, weight in zip(names, weights, strict=True):
            self._weights.append(numpy_helper.from_array(weight.numpy().astype(np.float32), label))
        output = f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, [self._last, *also, *names], [output], **attributes))
        self._last = output
        return output

    def add_convolution(self, name: str, layer: nn.Conv2d, norm: nn.Module | None = None) -> None:
        """Append a convolution, with the batch-norm that follows it, if any, folded in."""
        pads, strides = [*layer.padding, *layer.padding], list(layer.stride)
        self.add("Conv", name, *fold_batch_norm(layer, norm), pads=pads, strides=strides)

    def add_doubling(self) -> None:
        """Append a node that repeats each row and each column (nearest neighbour)."""
        self._weights.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), f"scales_{len(self._nodes)}"))
        self.add(
            "Resize",
            also=("", self._weights[-1].name),
            mode="nearest",
            nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        )

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


def fold_batch_norm(layer: nn.Conv2d, norm: nn.Module | None) -> tuple[Tensor, Tensor]:
    """Returns weight and bias of a convolution, with the batch-norm that follows it, if any, folded in."""
    weight = layer.weight.detach().double()
    if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None or norm.running_var is None:
        return weight, layer.get_parameter("bias").detach().double()
    weight, bias = nn.utils.fusion.fuse_conv_bn_weights(
        weight, None, norm.running_mean.double(), norm.running_var.double(), norm.eps, norm.weight, norm.bias
    )
    return weight.detach(), bias.detach()
