"""A try-on network as a graph, and ready to run in torch, ONNX Runtime or OpenVINO."""
