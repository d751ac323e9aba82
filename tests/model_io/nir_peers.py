"""Makes small random networks with a library of others, exports them by its own exporter, and runs them.

python nir_peers.py LIBRARY FOLDER: for each network FOLDER/NAME.nir and FOLDER/NAME.txt, one record a line: "dialect
NAME", "input T C H W" and its spikes, "layer NODE count" and the spikes of each neuron, "scores". Every record has all
samples.
"""

import dataclasses
import inspect
import pathlib
import sys
import warnings

warnings.simplefilter("ignore")
import nir
import nirtorch
import numpy
import torch
import torch.nn as nn

library, folder = sys.argv[1], pathlib.Path(sys.argv[2])
SAMPLES, STEPS = 4, 25
torch.manual_seed(5)
torch.set_num_threads(1)


def be_new():
    """Sinabs wants nir 1.0.4, snnTorch and SpikingJelly write what nir 1.0.5 has: resets, and a check left out."""
    for name in ("IF", "LIF", "CubaLIF"):
        kind = getattr(nir, name)
        if "v_reset" not in kind.__dataclass_fields__:
            more = {"__annotations__": {"v_reset": object}, "v_reset": None}
            setattr(nir, name, dataclasses.dataclass(eq=False)(type(name, (kind,), more)))
    convert = nirtorch.torch_to_nir
    if "type_check" not in inspect.signature(convert).parameters:
        nirtorch.torch_to_nir = lambda *args, type_check=True: convert(*args)


def numbers(tensor):
    return " ".join(repr(v) for v in tensor.flatten().tolist())


def spikes(*shape):
    """[T, N, ...]"""
    return (torch.rand(STEPS, SAMPLES, *shape) < 0.4).double()


class Recorder:
    """Adds up what modules give, by the names of their nodes."""

    def __init__(self, modules):
        self.counts = {}
        for name, module in modules.items():
            module.register_forward_hook(lambda _, __, out, name=name: self.add(name, out))

    def add(self, name, out):
        out = out[0] if isinstance(out, tuple) else out
        self.counts[name] = self.counts.get(name, 0) + (out.to_dense() if out.is_sparse else out).detach()


def write(name, dialect, graph, x, recorder, scores):
    nothing = numpy.array([], dtype=int)  # where exporters leave what nir cannot write: None, arrays without axes
    for node in graph.nodes.values():
        if isinstance(node, nir.Input):  # not all exporters know it
            node.input_type = {"input": numpy.array(x.shape[2:])}
        if isinstance(node, nir.Output):
            node.output_type = {"output": numpy.array(scores.shape[1:])}
        if getattr(node, "v_reset", 0) is None:
            node.v_reset = numpy.zeros_like(numpy.asarray(node.v_threshold))
        for key, value in vars(node).items():
            if isinstance(value, numpy.ndarray) and value.ndim == 0:
                setattr(node, key, value.item())
        if isinstance(node, nir.Flatten) and node.input_type["input"] is None:
            node.input_type["input"] = nothing
        if isinstance(node, (nir.Conv1d, nir.Conv2d)) and node.input_shape is None:
            node.input_shape = nothing
    nir.write(folder / f"{name}.nir", graph)
    shape = list(x.shape[2:])
    shape = shape + [1, 1] if len(shape) == 1 else [shape[0], 1, shape[1]] if len(shape) == 2 else shape
    with open(folder / f"{name}.txt", "w") as out:
        out.write(f"dialect {dialect}\n")
        out.write(f"input {SAMPLES} {STEPS} {' '.join(map(str, shape))} {numbers(x.transpose(0, 1).int())}\n")
        for node, count in recorder.counts.items():
            out.write(f"layer {node} {count.numel()} {numbers(count.int())}\n")
        out.write(f"scores {scores.numel()} {numbers(scores)}\n")


def louder(net, factor=2):
    """Larger weights, for more spikes."""
    for module in net.modules():
        if isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d)):
            module.weight.data *= factor
    return net


def as_double(net):
    """Some libraries make spikes of float32 whatever comes in."""
    for module in net.double().modules():
        if isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d)):
            module.register_forward_pre_hook(lambda _, args: (args[0].double(),))


def named(net, kinds):
    return {name: module for name, module in net.named_modules() if isinstance(module, kinds)}


def snntorch():
    import snntorch as snn
    from snntorch.export_nir import export_to_nir

    old = nir.LIF.__mro__[1].__name__ == "LIF"  # what be_new() made of it

    def betas(*shape):
        return 0.5 + 0.45 * torch.rand(*shape)

    def leaky(*shape):
        return snn.Leaky(beta=betas(*shape), threshold=0.5 + torch.rand(*shape), init_hidden=True)

    def synaptic(*shape):
        return snn.Synaptic(
            alpha=betas(*shape), beta=betas(*shape), threshold=0.5 + torch.rand(*shape), init_hidden=True
        )

    nets = {
        "all": (
            [6],
            nn.Sequential(
                nn.Linear(6, 12),
                snn.RLeaky(beta=0.83, linear_features=12, init_hidden=True),
                nn.Linear(12, 7),
                snn.RSynaptic(alpha=0.7, beta=0.91, linear_features=7, init_hidden=True),
                nn.Linear(7, 3),
                leaky(3),
            ),
        ),
        "one": (
            [6],
            nn.Sequential(
                nn.Linear(6, 12),
                snn.RLeaky(beta=betas(12), all_to_all=False, V=torch.randn(12), init_hidden=True),
                nn.Linear(12, 7, bias=False),
                snn.RSynaptic(alpha=0.6, beta=betas(7), all_to_all=False, V=torch.randn(7), init_hidden=True),
                nn.Linear(7, 3),
                synaptic(3),
            ),
        ),
        "conv": (
            [2, 8, 7],
            nn.Sequential(
                nn.Conv2d(2, 4, (3, 2), stride=(1, 2), padding=1, groups=2),
                leaky(4, 8, 4),
                nn.AvgPool2d(2),
                nn.Conv2d(4, 6, 3, padding="same", bias=False),
                synaptic(6, 4, 2),
                nn.Flatten(),
                nn.Linear(48, 5),
                leaky(5),
            ),
        ),
        "recurrent_conv": (
            [2, 6, 6],
            nn.Sequential(
                nn.Conv2d(2, 4, 3, padding=1),
                snn.RLeaky(beta=0.8, conv2d_channels=4, kernel_size=3, init_hidden=True),
                nn.Flatten(),
                nn.Linear(144, 3),
                leaky(3),
            ),
        ),
    }
    for name, (shape, net) in nets.items():
        if name == "recurrent_conv" and not old:
            continue  # nir checks shapes from 1.0.5 on, and snnTorch's are not a map's
        graph = export_to_nir(louder(net, 4), torch.rand(1, *shape), ignore_dims=[0])
        rest(net)
        run(
            name,
            "snntorch",
            graph,
            net,
            named(net, (snn.Leaky, snn.Synaptic, snn.RLeaky, snn.RSynaptic)),
            spikes(*shape),
            lambda node, graph=graph: node + ".lif" if f"{node}.lif" in graph.nodes else node,
        )
    trained(snn, export_to_nir)


def rest(net):
    """What snnTorch keeps between steps is gone."""
    for module in net.modules():
        for name in ("spk", "syn", "mem"):
            if hasattr(module, name):
                setattr(module, name, torch.zeros(0))


def trained(snn, export_to_nir):
    """Which of two inputs spikes first, long before the network is asked: what recurrence is for."""
    torch.manual_seed(7)
    net = nn.Sequential(
        nn.Linear(3, 16),
        snn.RLeaky(beta=torch.full((16,), 0.8), linear_features=16, learn_beta=True, init_hidden=True),
        nn.Linear(16, 2),
        snn.RSynaptic(
            alpha=0.5,
            beta=torch.full((2,), 0.7),
            linear_features=2,
            learn_beta=True,
            learn_alpha=True,
            learn_threshold=True,
            init_hidden=True,
        ),
    )
    louder(net, 2)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(80):
        label = torch.randint(2, (32,))
        x = torch.zeros(8, 32, 3)
        x[0, torch.arange(32), label] = x[1, torch.arange(32), 1 - label] = 1
        x[4:, :, 2] = 1
        rest(net)
        potentials = []
        for step in x:
            net(step)
            potentials.append(net[3].mem)
        out = sum(potentials[4:])
        nn.functional.cross_entropy(out, label).backward()
        optimiser.step()
        optimiser.zero_grad()
        for decay in (net[1].beta, net[3].beta, net[3].alpha):
            decay.data.clamp_(0.5, 0.99)
        correct = (out.argmax(1) == label).float().mean().item()
    rest(net)
    torch.save(net.state_dict(), folder / "trained.pth")
    graph = export_to_nir(net, torch.rand(1, 3), ignore_dims=[0])
    rest(net)
    (folder / "trained.accuracy").write_text(f"{correct}\n")
    run("trained", "auto", graph, net, named(net, (snn.RLeaky, snn.RSynaptic)), spikes(3), lambda node: node + ".lif")


def run(name, dialect, graph, net, neurons, x, node_of=lambda node: node):
    """Steps a network that takes [N, ...] and keeps its state."""
    as_double(net)
    recorder = Recorder({node_of(key): module for key, module in neurons.items()})
    total = 0
    for step in x:
        out = net(step)
        out = out[0] if isinstance(out, tuple) else out
        total = total + out
    write(name, dialect, graph, x, recorder, total.detach() / STEPS)


def spikingjelly():
    from spikingjelly.activation_based import layer, neuron
    from spikingjelly.activation_based.nir_exchange import export_to_nir

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.c1, self.n1 = layer.Conv2d(2, 4, 3, padding=1, bias=False), neuron.IFNode(v_threshold=0.6)
            self.c2, self.n2 = layer.Conv2d(4, 4, 3, padding=1), neuron.LIFNode(tau=2.5, v_threshold=0.3)
            self.c3, self.c4 = layer.Conv2d(4, 4, 3, padding=2, dilation=2), layer.Conv2d(4, 4, 1)
            self.n3 = neuron.LIFNode(tau=3.0, decay_input=False, v_reset=-0.25)
            self.p, self.f = layer.AvgPool2d(2), layer.Flatten()
            self.l, self.n4 = layer.Linear(36, 5), neuron.ParametricLIFNode(init_tau=3.0, v_threshold=0.2)

        def forward(self, x):
            y = self.n1(self.c1(x))
            z = self.n2(self.c2(y)) + y
            u = self.n3(self.c3(z) + self.c4(y))
            return self.n4(self.l(self.f(self.p(u))))

    nets = {
        "residual": ([2, 6, 6], Residual()),
        "rows": (
            [2, 16],
            nn.Sequential(
                layer.Conv1d(2, 3, 5, padding=2, stride=2),
                neuron.CUBALIFNode(v_threshold=0.4),
                layer.Conv1d(3, 4, 3, dilation=2),
                neuron.IFNode(v_threshold=0.5),
                layer.Flatten(),
                layer.Linear(16, 4),
                neuron.IFNode(v_threshold=0.5),
            ),
        ),
    }
    for name, (shape, net) in nets.items():
        graph = export_to_nir(louder(net), torch.rand(1, *shape))
        run(
            name,
            "spikingjelly",
            graph,
            net,
            named(net, neuron.BaseNode),
            spikes(*shape),
            lambda node, graph=graph: node if node in graph.nodes else f"_{node}",
        )


def sinabs():
    import sinabs.activation as sa
    import sinabs.layers as sl
    from sinabs.nir import to_nir

    def fires(kind, **options):
        return kind(batch_size=SAMPLES, spike_fn=sa.SingleSpike, **options)

    nets = {
        "maps": (
            [2, 8, 8],
            nn.Sequential(
                nn.Conv2d(2, 4, 3, groups=2),
                fires(sl.IAFSqueeze),
                sl.SumPool2d(2),
                nn.Flatten(),
                nn.Linear(36, 4),
                fires(sl.LIFSqueeze, tau_mem=10.0, spike_threshold=torch.tensor(0.2)),
            ),
        ),
        "rows": (
            [2, 9],
            nn.Sequential(
                nn.Conv1d(2, 4, 3),
                fires(sl.IAFSqueeze),
                nn.Flatten(),
                nn.Linear(28, 4),
                sl.ExpLeakSqueeze(tau_mem=10.0, batch_size=SAMPLES),
            ),
        ),
    }
    for name, (shape, net) in nets.items():
        x = spikes(*shape)
        flat = x.transpose(0, 1).flatten(0, 1).float()
        net(flat)
        graph = to_nir(louder(net), flat)
        for module in net.modules():
            if hasattr(module, "reset_states"):
                module.reset_states()
        as_double(net)
        recorder = Recorder(named(net, (sl.IAFSqueeze, sl.LIFSqueeze)))
        out = net(flat.double()).unflatten(0, (SAMPLES, STEPS)).detach()
        recorder.counts = {k: v.unflatten(0, (SAMPLES, STEPS)).sum(1) for k, v in recorder.counts.items()}
        scores = out[:, -1] if isinstance(net[-1], sl.ExpLeakSqueeze) else out.sum(1)
        write(name, "sinabs", graph, x, recorder, scores / STEPS)


def norse():
    import norse.torch as n
    from norse.torch.utils.export_nir import to_nir

    def box(threshold):
        return n.LIFBoxCell(n.LIFBoxParameters(v_th=torch.as_tensor(threshold), v_leak=torch.as_tensor(0.02)))

    nets = {
        "box": (
            [2, 6, 6],
            nn.Sequential(
                nn.Conv2d(2, 4, 3), box(0.2), nn.Flatten(), nn.Linear(64, 5), box(0.1), nn.Linear(5, 3), n.LIBoxCell()
            ),
        ),
        "cuba": (
            [6],
            nn.Sequential(
                nn.Linear(6, 8),
                n.LIFCell(n.LIFParameters(v_th=torch.as_tensor(0.1))),
                nn.Linear(8, 3),
                n.IAFCell(n.IAFParameters(v_th=torch.as_tensor(0.4))),
            ),
        ),
    }
    for name, (shape, modules) in nets.items():
        net = n.SequentialState(*modules)
        graph = to_nir(louder(net), torch.rand(1, *shape))
        for node, what in graph.nodes.items():
            graph.nodes[node] = nir.Flatten({"input": None}, start_dim=0) if what is None else what  # it knows none
        x = spikes(*shape)
        as_double(net)
        recorder = Recorder(named(net, (n.LIFBoxCell, n.LIFCell, n.IAFCell)))
        state, total = None, 0
        for step in x:
            out, state = net(step, state)
            out = out.to_dense() if out.is_sparse else out
            total = out if name == "box" else total + out
        write(name, "norse", graph, x, recorder, total.detach() / STEPS)


be_new()
globals()[library]()
