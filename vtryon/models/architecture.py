"""The widths of every layer: what a pruned network is beyond the arguments that built it."""

from collections.abc import Mapping, Sequence

from torch import nn

Widths = dict[str, list[int]]  # layer: [in, out] of a convolution, [n] of a norm; it is plain JSON


def widths(net: nn.Module) -> Widths:
    """Channels of every convolution and norm, by the layer's name in `net`."""
    by_layer: Widths = {}
    for name, layer in net.named_modules():
        if isinstance(layer, nn.Conv2d):
            by_layer[name] = [layer.in_channels, layer.out_channels]
        elif isinstance(layer, nn.BatchNorm2d):
            by_layer[name] = [layer.num_features]
    return by_layer


def differing(net: nn.Module, built: nn.Module) -> Widths:
    """The widths of `net` where they are not those of `built`, the same network as its arguments make it."""
    usual = widths(built)
    return {name: channels for name, channels in widths(net).items() if channels != usual.get(name)}


def resize(net: nn.Module, new_widths: object) -> None:
    """Give the layers that `new_widths` names the widths it tells; their weights start anew, the others keep theirs.

    Raises:
        ValueError: naming the layer that is unknown, or whose widths cannot be.
    """
    usual = widths(net)
    if not isinstance(new_widths, Mapping):
        raise ValueError(f"widths (={new_widths}) must map layers to channels, such as {dict(list(usual.items())[:1])}")
    for name, channels in new_widths.items():
        if name not in usual:
            raise ValueError(f"widths name {name}, which is no convolution or norm of this network")
        expected = f"{len(usual[name])} whole numbers of at least 1, as in {usual[name]}"
        if not isinstance(channels, Sequence) or len(channels) != len(usual[name]) or not all(map(_is_width, channels)):
            raise ValueError(f"widths of {name} (={channels}) must be {expected}")
    for name, channels in new_widths.items():
        layer = net.get_submodule(name)
        if isinstance(layer, nn.Conv2d):
            _resize_conv(layer, *channels)
        else:
            _resize_norm(layer, *channels)


def _resize_conv(layer: nn.Conv2d, in_channels: int, out_channels: int) -> None:
    depthwise = 1 < layer.groups == layer.in_channels
    layer.in_channels, layer.out_channels = in_channels, out_channels
    layer.groups = in_channels if depthwise else layer.groups
    shape = (out_channels, in_channels // layer.groups, *layer.kernel_size)
    layer.weight = nn.Parameter(layer.weight.new_empty(shape))
    if layer.bias is not None:
        layer.bias = nn.Parameter(layer.bias.new_empty(out_channels))
    layer.reset_parameters()


def _resize_norm(layer: nn.BatchNorm2d, features: int) -> None:
    layer.num_features = features
    layer.weight = nn.Parameter(layer.weight.new_empty(features))
    layer.bias = nn.Parameter(layer.bias.new_empty(features))
    layer.running_mean = layer.running_mean.new_empty(features)
    layer.running_var = layer.running_var.new_empty(features)
    layer.reset_parameters()


def _is_width(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
