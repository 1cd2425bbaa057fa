#!/usr/bin/env python3
"""The workloads that are networks or parts of them, on ONNX Runtime, with weights known when the session is made.

usage: ort_peer.py [--threads N] [--only a,b] [--seconds S] [--json FILE]
needs: pip install numpy onnx onnxruntime
"""

import sys

# The folder of the scripts stays as git has it.
sys.dont_write_bytecode = True
import timing

arguments = timing.options()
timing.pin(arguments.threads)
timing.keep_pages()

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(1)


def normal(*shape, scale=1.0):
    return random.standard_normal(shape, dtype=np.float32) * np.float32(scale)


def called(nodes, inputs, result, weights={}):
    """One run of a graph; nodes are (operation, inputs, output, attributes), and the last one makes the result."""
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(
        [helper.make_node(operation, reads, [writes], **more) for operation, reads, writes, more in nodes],
        "workload",
        [value(name, x.shape) for name, x in inputs.items()],
        [value(nodes[-1][2], result)],
        [numpy_helper.from_array(x, name) for name, x in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, inputs)


def softmax_rows():
    return called([("Softmax", ["x"], "y", {"axis": 1})], {"x": normal(1024, 1024)}, (1024, 1024))


def layernorm_gelu():
    nodes = [
        ("LayerNormalization", ["x", "gain", "shift"], "normal", {"axis": 1, "epsilon": 1e-5}),
        ("Gelu", ["normal"], "y", {"approximate": "tanh"}),
    ]
    weights = {"gain": normal(1024), "shift": normal(1024)}
    return called(nodes, {"x": normal(4096, 1024)}, (4096, 1024), weights)


def product(m, k, n):
    return called([("MatMul", ["a", "b"], "y", {})], {"a": normal(m, k)}, (m, n), {"b": normal(k, n)})


def matmul_bias_relu():
    nodes = [("Gemm", ["x", "w", "b"], "affine", {}), ("Relu", ["affine"], "y", {})]
    weights = {"w": normal(1024, 1024), "b": normal(1024)}
    return called(nodes, {"x": normal(512, 1024)}, (512, 1024), weights)


def conv2d():
    nodes = [("Conv", ["x", "w"], "y", {"pads": [1, 1, 1, 1]})]
    return called(nodes, {"x": normal(1, 64, 56, 56)}, (1, 64, 56, 56), {"w": normal(64, 64, 3, 3)})


def attention():
    nodes = [
        ("Transpose", ["k"], "turned", {"perm": [0, 2, 1]}),
        ("MatMul", ["q", "turned"], "score", {}),
        ("Mul", ["score", "scale"], "scaled", {}),
        ("Softmax", ["scaled"], "share", {"axis": 2}),
        ("MatMul", ["share", "v"], "y", {}),
    ]
    inputs = {name: normal(8, 512, 64) for name in "qkv"}
    return called(nodes, inputs, (8, 512, 64), {"scale": np.asarray(0.125, np.float32)})


def mlp(batch):
    sizes = (784, 512, 256, 10)
    nodes, weights, entering = [], {}, "x"
    for layer in range(3):
        weights[f"w{layer}"] = normal(sizes[layer], sizes[layer + 1], scale=0.05)
        weights[f"b{layer}"] = normal(sizes[layer + 1], scale=0.05)
        nodes.append(("Gemm", [entering, f"w{layer}", f"b{layer}"], f"z{layer}", {}))
        after, more = ("Softmax", {"axis": 1}) if layer == 2 else ("Relu", {})
        entering = f"h{layer}"
        nodes.append((after, [f"z{layer}"], entering, more))
    return called(nodes, {"x": normal(batch, 784)}, (batch, 10), weights)


TABLE = {
    "softmax_rows": softmax_rows,
    "layernorm_gelu": layernorm_gelu,
    "matmul_1024": lambda: product(1024, 1024, 1024),
    "matmul_bias_relu_512x1024x1024": matmul_bias_relu,
    "conv2d_3x3_c64_56": conv2d,
    "attention_h8_s512_d64": attention,
    "mlp_forward_b64": lambda: mlp(64),
    "mlp_forward_b1": lambda: mlp(1),
}

timing.serve("ort", TABLE, product, arguments)
