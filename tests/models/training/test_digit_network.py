import torch

from models.training.digit_network import PARAMETERS, DigitNetwork, count_parameters


def test_every_layer_has_the_parameters_of_the_reference() -> None:
    """conv: in x out x k x k + out; batch-norm: 2 x channels; linear: 32 x 10 + 10."""
    network = DigitNetwork()
    layers = {name: count_parameters(layer) for name, layer in network.named_children()}
    assert layers == {
        "conv1": 160 + 32,
        "conv2": 4_640 + 64,
        "conv3": 264,
        "conv4": 1_168 + 32,
        "conv5": 4_640 + 64,
        "conv6": 528,
        "conv7": 4_640,
        "linear": 330,
    }
    assert count_parameters(network) == PARAMETERS == 16_562


def test_forward_gives_log_probabilities() -> None:
    network = DigitNetwork().eval()
    scores = network(torch.rand(3, 1, 28, 28))
    assert scores.shape == (3, 10)
    torch.testing.assert_close(scores.exp().sum(dim=1), torch.ones(3))


def test_dropout_is_where_the_reference_has_it_and_nowhere_without() -> None:
    with_dropout = [name for name, layer in DigitNetwork().named_modules() if isinstance(layer, torch.nn.Dropout)]
    assert with_dropout == ["conv1.3", "conv2.3", "conv4.3", "conv5.3"]
    assert not [layer for layer in DigitNetwork(dropout=0).modules() if isinstance(layer, torch.nn.Dropout)]
