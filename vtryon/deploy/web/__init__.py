"""Export to a static folder that runs a network in a browser: graph, onnxruntime-web, page, server."""
