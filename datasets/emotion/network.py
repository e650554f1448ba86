"""The classifier: two small branches over a log-mel spectrogram, fused late. It learns on a CPU in less than a minute.

One branch sees the spectrogram as a picture (2-D convolutions, with each band's height as a second channel so that place counts: Liu et
al. 2018), the other as a course over time (1-D convolutions over all bands, mean and deviation over time: Snyder et al. 2018). Each
gives scores of its own and learns by them; the answer is the softmax of their mean. A clip of any length is heard whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from nightdub.datasets.emotion.trained import About, Trained
from nightdub.datasets.selection import BANDS, Numbers, Spectrogram, log_mel
from nightdub.infra.errors import ConfigError, MachineLacks
from nightdub.tasks.sound import Samples

FRAMES = 160  # that are learned from at a time: 1.6 s
SHORTEST = 32  # frames; what is shorter is heard several times over
BATCH, EPOCHS, STEP = 32, 12, 5e-3  # STEP: the highest learning rate, of one cycle
TOGETHER = 64  # spectrograms of equal length that are heard at once


def train(
    examples: Sequence[Spectrogram], labels: Sequence[str], *, seed: int = 0, epochs: int = EPOCHS, corpus: str = "", acted: bool = False
) -> Trained:
    """Return a network that learned these spectrograms of shape (BANDS, frames); equal arguments give equal weights on one machine.

    The order of the labels is the alphabet's. Work is done in one thread, and the caller's random numbers stay as they were.

    Raises:
        ConfigError: fewer than two labels, or not a label for each example.
        MachineLacks: torch is not installed.
    """
    order = tuple(sorted(set(labels)))
    if len(order) < 2 or len(labels) != len(examples):
        raise ConfigError(f"{len(examples)} examples with {len(order)} labels", allowed="a label for each, and two labels or more")
    torch = _torch()
    rng, wanted = np.random.default_rng(seed), np.array([order.index(label) for label in labels])
    with _alone(torch, seed):
        net = build(len(order))
        _level(torch, net, examples)
        steps = epochs * -(-len(examples) // BATCH)
        climb = torch.optim.AdamW(net.parameters(), lr=STEP)
        pace = torch.optim.lr_scheduler.OneCycleLR(climb, STEP, total_steps=steps)
        net.train()
        for _ in range(epochs):
            turn = rng.permutation(len(examples))
            for first in range(0, len(turn), BATCH):
                chosen = turn[first : first + BATCH]
                heard = torch.from_numpy(np.stack([_crop(examples[index], rng) for index in chosen]))
                target = torch.from_numpy(wanted[chosen])
                loss = sum(torch.nn.functional.cross_entropy(scores, target) for scores in branches(net, heard))
                climb.zero_grad()
                loss.backward()
                climb.step()
                pace.step()
    return Trained(order, weights_of(net), About(corpus, acted, seed, len(examples), epochs))


def predict(trained: Trained, spectrograms: Sequence[Spectrogram]) -> Numbers:
    """Return the probability of each label for each spectrogram, shape (spectrograms, labels). Raises: MachineLacks."""
    return listen(network_of(trained), spectrograms)


def recognise(samples: Samples, rate: int, trained: Trained) -> dict[str, float]:
    """Return the probability of each label for a clip of mono sound, the highest first. Raises: MediaError, MachineLacks."""
    found = predict(trained, [log_mel(samples, rate)])[0]
    return {trained.labels[index]: float(found[index]) for index in np.argsort(-found, kind="stable")}


def untrained(labels: Sequence[str], seed: int = 0) -> Trained:
    """Return a network that learned nothing: what an explanation or a figure must differ from. Raises: MachineLacks."""
    torch = _torch()
    with _alone(torch, seed):
        return Trained(tuple(labels), weights_of(build(len(labels))), About(seed=seed))


def build(labels: int) -> Any:
    """Return the layers as a `ModuleDict`, with weights drawn from torch's generator. Raises: MachineLacks."""
    nn = _torch().nn

    def picture(inward: int, outward: int, stride: int) -> list[Any]:
        return [nn.Conv2d(inward, outward, 3, stride, 1, bias=False), nn.BatchNorm2d(outward), nn.ReLU()]

    def course(inward: int, stride: int, apart: int) -> list[Any]:
        return [nn.Conv1d(inward, 48, 3, stride, apart, apart, bias=False), nn.BatchNorm1d(48), nn.ReLU()]

    return nn.ModuleDict(
        {
            "level": nn.BatchNorm1d(BANDS, affine=False),  # never learns: mean and variance of each band in what was learned from
            "picture": nn.Sequential(*picture(2, 16, 2), *picture(16, 24, 2), *picture(24, 32, 1)),
            "picture_scores": nn.Linear(32, labels),
            "course": nn.Sequential(*course(BANDS, 2, 1), *course(48, 1, 2), *course(48, 1, 4)),
            "course_scores": nn.Linear(96, labels),
        }
    )


def branches(net: Any, heard: Any) -> tuple[Any, Any]:
    """Return the scores of both branches for spectrograms of shape (n, BANDS, frames)."""
    levelled = level(net, heard)
    return picture_scores(net, see(net, levelled)), course_scores(net, levelled)


def level(net: Any, heard: Any) -> Any:
    """Return spectrograms with each band's mean 0 and variance 1 over what was learned from; never more than 5 away."""
    return net["level"].eval()(heard).clamp(-5, 5)


def see(net: Any, levelled: Any) -> Any:
    """Return the maps of the picture branch's last layer, shape (n, maps, bands / 4, frames / 4)."""
    torch = _torch()
    height = torch.linspace(-1, 1, BANDS)[None, :, None].expand(levelled.shape)
    return net["picture"](torch.stack([levelled, height], dim=1))


def picture_scores(net: Any, maps: Any) -> Any:
    """Return the picture branch's scores from its maps."""
    return net["picture_scores"](maps.mean(dim=(2, 3)))


def course_scores(net: Any, levelled: Any) -> Any:
    """Return the temporal branch's scores."""
    found = net["course"](levelled)
    deviation = (found.var(dim=2, correction=0) + 1e-5).sqrt()
    return net["course_scores"](_torch().cat([found.mean(dim=2), deviation], dim=1))


def network_of(trained: Trained) -> Any:
    """Return the layers with their weights, ready to listen. Raises: MachineLacks; RuntimeError where the weights are another network's."""
    torch = _torch()
    with torch.random.fork_rng(devices=[]):
        net = build(len(trained.labels))
    net.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in trained.weights.items()})
    return net.eval()


def listen(net: Any, spectrograms: Sequence[Spectrogram]) -> Numbers:
    """Return the probabilities, shape (spectrograms, labels); neighbours of equal length are heard together."""
    torch, found = _torch(), []
    with torch.no_grad(), _alone(torch, 0):
        for group in _equal(spectrograms):
            heard = torch.from_numpy(np.stack([long_enough(one) for one in group]))
            found.append(torch.softmax(sum(branches(net, heard)) / 2, dim=1).numpy().astype(np.float64))
    return np.concatenate(found) if found else np.zeros((0, net["picture_scores"].out_features))


def weights_of(net: Any) -> dict[str, Any]:
    """Return the weights as arrays by name."""
    return {name: value.detach().numpy().copy() for name, value in sorted(net.state_dict().items())}


def _level(torch: Any, net: Any, examples: Sequence[Spectrogram]) -> None:
    """Set the mean and the variance of each band from the examples."""
    frames = sum(one.shape[1] for one in examples)
    mean = sum(one.sum(axis=1, dtype=np.float64) for one in examples) / frames
    variance = sum(((one - mean[:, None]) ** 2).sum(axis=1) for one in examples) / frames
    net["level"].running_mean.copy_(torch.from_numpy(np.asarray(mean)))
    net["level"].running_var.copy_(torch.from_numpy(np.maximum(variance, 1e-3)))


def _crop(one: Spectrogram, rng: np.random.Generator) -> Spectrogram:
    """Return a stretch of FRAMES, drawn by chance; what is shorter is repeated to that length."""
    if one.shape[1] <= FRAMES:
        return np.tile(one, (1, -(-FRAMES // one.shape[1])))[:, :FRAMES]
    first = int(rng.integers(one.shape[1] - FRAMES + 1))
    return one[:, first : first + FRAMES]


def long_enough(one: Spectrogram) -> Spectrogram:
    """Return a spectrogram, several times over where it has fewer than `SHORTEST` frames."""
    return np.tile(one, (1, -(-SHORTEST // one.shape[1]))) if one.shape[1] < SHORTEST else np.ascontiguousarray(one)


def _equal(spectrograms: Sequence[Spectrogram]) -> Iterator[list[Spectrogram]]:
    group: list[Spectrogram] = []
    for one in spectrograms:
        if group and (one.shape != group[0].shape or len(group) == TOGETHER):
            yield group
            group = []
        group.append(one)
    if group:
        yield group


@contextmanager
def _alone(torch: Any, seed: int) -> Iterator[None]:
    """Work in one thread with random numbers of one's own: sums come in one order, and nobody else's draws are moved."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise MachineLacks(str(error), where="emotion", allowed="torch", fix="make engines-neural") from error
    return torch
