"""Small networks of one library with random weights: their state dict, spiking inputs, and what the library computes.

    library_networks.py LIBRARY FOLDER

For every network: FOLDER/NAME.pth, and FOLDER/NAME.txt with lines "key value…": the network text, the input's shape,
options of the import, and arrays as their shape and values: "spikes" [N, T, C, H, W], the spike counts of layers,
"scores". All is computed in double precision.
"""

import random
import sys

import torch
import torch.nn as nn

library, folder = sys.argv[1:3]
torch.manual_seed(1)
samples, steps = 3, 12


def array(name, values):
    values = values.detach().double()
    numbers = " ".join(repr(v) for v in values.flatten().tolist())
    return f"{name} {values.dim()} {' '.join(map(str, values.shape))} {numbers}\n"


def save(name, text, net, shape, step, options="", reset=None):
    """`step` takes the input of one step and gives spikes by layer and the readout's increment of the scores."""
    torch.save(net.float().state_dict(), f"{folder}/{name}.pth")
    net.double().eval()
    spikes = (torch.rand(samples, steps, *shape, dtype=torch.double) < 0.4).double()
    counts, scores = {}, 0
    with torch.no_grad():
        if reset:
            reset()
        for t in range(steps):
            fired, out = step(spikes[:, t])
            for layer, spike in fired.items():
                counts[layer] = counts.get(layer, 0) + spike
            scores = scores + out
    for layer, count in counts.items():
        assert count.sum() > 0, f"{name}: no spike in {layer}"
    with open(f"{folder}/{name}.txt", "w") as file:
        file.write(f"text {text}\nshape {' '.join(map(str, shape))}\n")
        if options:
            file.write(f"options {options}\n")
        file.write(array("spikes", spikes))
        for layer, count in counts.items():
            file.write(array(layer, count))
        file.write(array("scores", scores / steps))


def randomise(net, gain=1.5):
    """Weights above the usual, so that neurons fire, and averages that a training would leave."""
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.1, 0.8)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            if module.bias is not None:
                nn.init.uniform_(module.bias, 0.2, 0.8)
            if hasattr(module, "scale"):
                nn.init.uniform_(module.scale, 0.5, 1.5)
        elif isinstance(module, (nn.Linear, nn.Conv2d)):
            with torch.no_grad():
                module.weight.mul_(gain)
    return net


class Chain(nn.Module):
    """Modules in order; `names` says which module's spikes are those of which layer. The last gives scores."""

    def __init__(self, names, **modules):
        super().__init__()
        self.layers = names
        self.order = list(modules)
        for name, module in modules.items():
            setattr(self, name, module)

    def step(self, x):
        fired = {}
        for name in self.order:
            x = getattr(self, name)(x)
            if isinstance(x, tuple):
                x = x[0]
            if name in self.layers:
                fired[self.layers[name]] = x
        return fired, x


class Timed(Chain):
    """The same, with normalisations that are told their step."""

    def start(self):
        self.t = -1

    def step(self, x):
        self.t += 1
        return super().step(x)


class AtStep(nn.Module):
    """Calls a module of another for the step that its owner is at; keeps it out of the state dict."""

    def __init__(self, call):
        super().__init__()
        self.forward = call


def snntorch_networks():
    import snntorch as snn
    from snntorch import utils

    def chain(name, text, shape, names, options="", **modules):
        net = randomise(Chain(names, **modules), 3)
        save(name, text, net, shape, net.step, options, lambda: utils.reset(net))

    hidden = {"init_hidden": True, "spike_grad": lambda x: (x > 0).to(x.dtype)}  # its own give float32
    chain(
        "bn_vector_beta",
        "4C3-LIF(beta=*,threshold=0.8,delay)-MP2-3F-LIF(beta=0.7,delay)",
        (2, 6, 6),
        {"lif1": "conv1", "lif2": "full2"},
        conv=nn.Conv2d(2, 4, 3, padding=1, bias=False),
        bn=nn.BatchNorm2d(4),
        lif1=snn.Leaky(beta=torch.rand(4, 1, 1), threshold=0.8, learn_beta=True, **hidden),
        pool=nn.MaxPool2d(2),
        flat=nn.Flatten(),
        fc=nn.Linear(36, 3),
        lif2=snn.Leaky(beta=0.7, **hidden),
    )
    chain(
        "vector_threshold",
        "6F-LIF(beta=0.9,threshold=*,delay,reset=zero)-3F-LIF(beta=0.7,delay)",
        (8, 1, 1),
        {"lif1": "full1", "lif2": "full2"},
        flat=nn.Flatten(),
        fc1=nn.Linear(8, 6),
        lif1=snn.Leaky(beta=0.9, threshold=torch.rand(6) + 0.3, reset_mechanism="zero", **hidden),
        fc2=nn.Linear(6, 3),
        lif2=snn.Leaky(beta=0.7, **hidden),
    )
    chain(
        "rleaky_all",
        "6F-R-LIF(beta=0.9,delay)-3F-LIF(beta=0.7,delay)",
        (8, 1, 1),
        {"lif1": "full1", "lif2": "full2"},
        flat=nn.Flatten(),
        fc1=nn.Linear(8, 6),
        lif1=snn.RLeaky(0.9, linear_features=6, **hidden),
        fc2=nn.Linear(6, 3),
        lif2=snn.Leaky(beta=0.7, **hidden),
    )
    chain(
        "rleaky_one",
        "6F-R1-LIF(beta=0.9,delay)-3F-LIF(beta=0.7,delay)",
        (8, 1, 1),
        {"lif1": "full1", "lif2": "full2"},
        flat=nn.Flatten(),
        fc1=nn.Linear(8, 6),
        lif1=snn.RLeaky(0.9, V=torch.rand(6), all_to_all=False, **hidden),
        fc2=nn.Linear(6, 3),
        lif2=snn.Leaky(beta=0.7, **hidden),
    )
    chain(
        "rleaky_conv",
        "4C3-RC3-LIF(beta=0.9,delay)-3F-LIF(beta=0.7,delay)",
        (2, 5, 5),
        {"lif1": "conv1", "lif2": "full2"},
        conv=nn.Conv2d(2, 4, 3, padding=1),
        lif1=snn.RLeaky(0.9, conv2d_channels=4, kernel_size=3, **hidden),
        flat=nn.Flatten(),
        fc=nn.Linear(100, 3),
        lif2=snn.Leaky(beta=0.7, **hidden),
    )
    chain(
        "rsynaptic",
        "6F-R-LIF(beta=0.8,alpha=0.5,delay)-3F-LIF(beta=0.7,alpha=0.25,delay)",
        (8, 1, 1),
        {"lif1": "full1", "lif2": "full2"},
        flat=nn.Flatten(),
        fc1=nn.Linear(8, 6),
        lif1=snn.RSynaptic(0.5, 0.8, linear_features=6, **hidden),
        fc2=nn.Linear(6, 3),
        lif2=snn.Synaptic(alpha=0.25, beta=0.7, **hidden),
    )
    net = Timed(
        {"lif1": "pass3", "lif2": "norm5"},
        conv=nn.Conv2d(2, 4, 3, padding=1, bias=False),
        bntt1=snn.BatchNormTT2d(4, steps),
        use1=AtStep(lambda x: net.bntt1[net.t](x)),
        pool=nn.MaxPool2d(2),
        lif1=snn.Leaky(beta=0.8, **hidden),
        flat=nn.Flatten(),
        fc=nn.Linear(36, 3),
        bntt2=snn.BatchNormTT1d(3, steps),
        use2=AtStep(lambda x: net.bntt2[net.t](x)),
        lif2=snn.Leaky(beta=0.7, **hidden),
    )
    net.order = [name for name in net.order if not name.startswith("bntt")]
    save(
        "bntt",
        f"4C3b0-BN{steps}-MP2-LIF(beta=0.8,delay)-3F-BN{steps}-LIF(beta=0.7,delay)",
        randomise(net, 3),
        (2, 6, 6),
        net.step,
        "",
        lambda: (utils.reset(net), net.start()),
    )
    net = randomise(
        Chain(
            {"lif1": "full1"},
            flat=nn.Flatten(),
            fc1=nn.Linear(8, 6),
            lif1=snn.Leaky(beta=0.9, graded_spikes_factor=0.5, **hidden),
            fc2=nn.Linear(6, 3),
        )
    )

    def graded(x):
        fired, out = net.step(x)
        return {layer: spikes / 0.5 for layer, spikes in fired.items()}, out

    save("graded", "6F-LIF(beta=0.9,delay)-3F", net, (8, 1, 1), graded, "", lambda: utils.reset(net))

    class Branches(nn.Module):
        """Spikes of one half each, which two convolutions read."""

        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(2, 4, 3, padding=1)
            self.lif1 = snn.Leaky(beta=0.9, graded_spikes_factor=0.5, **hidden)
            self.conv2, self.conv3 = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)
            self.lif2, self.fc = snn.Leaky(beta=0.8, **hidden), nn.Linear(100, 3)

        def step(self, x):
            spikes = self.lif1(self.conv1(x))
            joined = self.lif2(self.conv2(spikes) + self.conv3(spikes))
            return {"conv1": spikes / 0.5, "add4": joined}, self.fc(joined.flatten(1))

    net = randomise(Branches(), 3)
    save(
        "graded_branches",
        "4C3-LIF(beta=0.9,delay)-[4C3|4C1]add-LIF(beta=0.8,delay)-3F",
        net,
        (2, 5, 5),
        net.step,
        "",
        lambda: utils.reset(net),
    )


def torch_networks():
    """Neurons written out, as in the papers' own code; what torch does to weights."""
    from torch.nn.utils import prune, weight_norm
    from torch.nn.utils.parametrizations import weight_norm as parametrised

    def integrate(v, x):
        v = 0.9 * v + x
        spike = (v > 1).double()
        return v - spike, spike

    net = nn.ModuleDict(
        {
            "conv1": nn.Conv2d(2, 4, 3, padding=1),
            "conv2": nn.Conv2d(4, 4, 3, padding=1),
            "conv3": nn.Conv2d(4, 4, 1),
            "fc": nn.Linear(100, 3),
        }
    )
    randomise(net, 4)
    prune.l1_unstructured(net["conv1"], "weight", amount=0.3)
    weight_norm(net["conv2"])
    parametrised(net["conv3"])
    state = {}

    def step(x):
        fired = {}
        for name in ("conv1", "conv2", "conv3"):
            state[name], x = integrate(state.get(name, 0), net[name](x))
            fired[name] = x
        return fired, net["fc"](x.flatten(1))

    neuron = "-LIF(beta=0.9)-"
    save("pruned_and_normed", f"4C3{neuron}4C3{neuron}4C1{neuron}3F", net, (2, 5, 5), step)


def spikingjelly_networks():
    from spikingjelly.activation_based import functional, layer, neuron

    jelly = "LIF(beta=0.5,decay_input,reset=zero,ge)"

    def chain(name, text, shape, names, options="", **modules):
        net = randomise(Chain(names, **modules), 3)
        save(name, text, net, shape, net.step, options, lambda: functional.reset_net(net))

    plif = neuron.ParametricLIFNode(init_tau=2.5)
    chain(
        "bn_plif",
        "4C3-LIF(beta=0.6,decay_input,reset=zero,ge)-AP2-3F",
        (2, 6, 6),
        {"sn": "conv1"},
        conv=layer.Conv2d(2, 4, 3, padding=1, bias=False),
        bn=layer.BatchNorm2d(4),
        sn=plif,
        pool=layer.AvgPool2d(2),
        flat=layer.Flatten(),
        fc=layer.Linear(36, 3),
    )
    chain(
        "bn_through_time",
        f"4C3b0-BN{steps}-{jelly}-AP2-6F-BN{steps}-{jelly}-3F",
        (2, 6, 6),
        {"sn": "norm2", "sn2": "norm4"},
        conv=layer.Conv2d(2, 4, 3, padding=1, bias=False),
        bn=layer.BatchNormThroughTime2d(steps, 4),
        sn=neuron.LIFNode(),
        pool=layer.AvgPool2d(2),
        flat=layer.Flatten(),
        fc=layer.Linear(36, 6),
        bn2=layer.BatchNormThroughTime1d(steps, 6),
        sn2=neuron.LIFNode(),
        fc2=layer.Linear(6, 3),
    )

    def whole(norm):  # of all steps at once: what it gives at each is what it gives of that step's input alone
        return AtStep(
            lambda x: getattr(net, norm)(x.unsqueeze(0))[net.t if hasattr(getattr(net, norm), "scale") else 0]
        )

    def started(net):
        functional.reset_net(net), net.start()

    norms = {
        "temporal_effective": (
            layer.TemporalEffectiveBatchNorm2d(steps, 4),
            f"4C3b0-BN{steps}-{jelly}-AP2-3F",
            "norm2",
        ),
        "threshold_dependent": (layer.ThresholdDependentBatchNorm2d(1.2, 0.8, 4), f"4C3-{jelly}-AP2-3F", "conv1"),
    }
    for name, (norm, text, fires) in norms.items():
        net = Timed(
            {"sn": fires},
            conv=layer.Conv2d(2, 4, 3, padding=1, bias=False),
            bn=norm,
            use=whole("bn"),
            sn=neuron.LIFNode(),
            pool=layer.AvgPool2d(2),
            flat=layer.Flatten(),
            fc=layer.Linear(36, 3),
        )
        net.order.remove("bn")
        save(name, text, randomise(net, 3), (2, 6, 6), net.step, "", lambda net=net: started(net))
    recurrent = layer.LinearRecurrentContainer(neuron.LIFNode(), 8, 8, True)
    chain(
        "linear_recurrent",
        f"8F-R-{jelly}-3F",
        (8, 1, 1),
        {"cell": "full1"},
        flat=layer.Flatten(),
        cell=recurrent,
        fc=layer.Linear(8, 3),
    )
    element = layer.ElementWiseRecurrentContainer(neuron.LIFNode(), lambda y, x: y + x)
    chain(
        "element_wise",
        f"6F-R1-{jelly}-3F",
        (8, 1, 1),
        {"cell": "full1"},
        "full1.recurrent=1",
        flat=layer.Flatten(),
        fc1=layer.Linear(8, 6),
        cell=element,
        fc2=layer.Linear(6, 3),
    )

    chain(
        "pools",
        f"4C3-MP3s2p1-{jelly}-4C3-{jelly}-MP2c-GAP-3F",
        (2, 6, 6),
        {"sn1": "pass2", "sn2": "conv3"},
        conv1=layer.Conv2d(2, 4, 3, padding=1),
        pool1=layer.MaxPool2d(3, 2, 1),
        sn1=neuron.LIFNode(),
        conv2=layer.Conv2d(4, 4, 3, padding=1),
        sn2=neuron.LIFNode(),
        pool2=layer.MaxPool2d(2, ceil_mode=True),
        pool3=layer.AdaptiveAvgPool2d((1, 1)),
        flat=layer.Flatten(),
        fc=layer.Linear(4, 3),
    )
    low = jelly.replace(")", ",threshold=0.25)")
    chain(
        "means",
        f"4C3-AP3s2p1-{low}-4C3-{low}-AP=2-3F",
        (2, 6, 6),
        {"sn1": "pass2", "sn2": "conv3"},
        conv1=layer.Conv2d(2, 4, 3, padding=1),
        pool1=layer.AvgPool2d(3, 2, 1),
        sn1=neuron.LIFNode(v_threshold=0.25),
        conv2=layer.Conv2d(4, 4, 3, padding=1),
        sn2=neuron.LIFNode(v_threshold=0.25),
        pool2=layer.AdaptiveAvgPool2d(2),
        flat=layer.Flatten(),
        fc=layer.Linear(16, 3),
    )
    # The potential is counted from v_reset, where it starts and to which it leaks.
    chain(
        "v_reset",
        "6F-LIF(beta=0.5,decay_input,reset=zero,ge,threshold=0.75)-3F",
        (8, 1, 1),
        {"sn": "full1"},
        flat=layer.Flatten(),
        fc1=layer.Linear(8, 6),
        sn=neuron.LIFNode(v_threshold=0.5, v_reset=-0.25),
        fc2=layer.Linear(6, 3),
    )

    class Sew(nn.Module):
        """A block with a downsampling convolution and one without, as in spikingjelly's sew_resnet.py."""

        def __init__(self):
            super().__init__()
            self.conv1, self.bn1, self.sn1 = (
                layer.Conv2d(2, 4, 3, padding=1, bias=False),
                layer.BatchNorm2d(4),
                neuron.LIFNode(),
            )
            self.layer1 = nn.Sequential(Block(4, 6, 2), Block(6, 6, 1))
            self.fc = layer.Linear(6, 3)

        def step(self, x):
            fired = {"conv1": self.sn1(self.bn1(self.conv1(x)))}
            x = self.layer1[0](fired["conv1"], fired, "conv2", "conv3", "conv4")
            x = self.layer1[1](x, fired, "conv6", "conv7", None)
            return fired, self.fc(x.mean((2, 3)))

    class Block(nn.Module):
        def __init__(self, inputs, planes, stride):
            super().__init__()
            self.conv1 = layer.Conv2d(inputs, planes, 3, stride=stride, padding=1, bias=False)
            self.bn1, self.sn1 = layer.BatchNorm2d(planes), neuron.LIFNode()
            self.conv2 = layer.Conv2d(planes, planes, 3, padding=1, bias=False)
            self.bn2, self.sn2 = layer.BatchNorm2d(planes), neuron.LIFNode()
            self.downsample = None
            if stride != 1:
                self.downsample = nn.Sequential(
                    layer.Conv2d(inputs, planes, 1, stride=stride, bias=False), layer.BatchNorm2d(planes)
                )
                self.downsample_sn = neuron.LIFNode()

        def forward(self, x, fired, first, second, down):
            fired[first] = self.sn1(self.bn1(self.conv1(x)))
            fired[second] = self.sn2(self.bn2(self.conv2(fired[first])))
            if down:
                x = fired[down] = self.downsample_sn(self.downsample(x))
            return x + fired[second]

    net = randomise(Sew(), 3)
    save(
        "sew_block",
        f"4C3-{jelly}-[6C3s2-{jelly}-6C3-{jelly}|6C1s2-{jelly}]add-[6C3-{jelly}-6C3-{jelly}|]add-GAP-3F",
        net,
        (2, 6, 6),
        net.step,
        "",
        lambda: functional.reset_net(net),
    )


def norse_networks():
    import norse.torch as norse

    net = nn.ModuleDict({"cell": norse.LIFRecurrentCell(8, 6), "fc": nn.Linear(6, 3)})
    with torch.no_grad():
        net["cell"].input_weights.mul_(6)
    state = [None]

    def step(x):
        spikes, state[0] = net["cell"](x.flatten(1), state[0])
        return {"full1": spikes}, net["fc"](spikes)

    save("norse_recurrent", "6Fb0-R-LIF(beta=0.9,alpha=0.8,gain=0.1,reset=zero)-3F", net, (8, 1, 1), step)


def sinabs_networks():
    import sinabs.activation as sina
    import sinabs.layers as sl

    single = {"spike_fn": sina.SingleSpike, "norm_input": False}
    net = randomise(
        Chain(
            {"lif1": "full1", "lif2": "full2"},
            flat=nn.Flatten(),
            fc1=nn.Linear(8, 6),
            lif1=sl.LIF(tau_mem=10.0, spike_threshold=torch.tensor(0.8), **single),
            fc2=nn.Linear(6, 4),
            lif2=sl.LIFRecurrent(tau_mem=5.0, rec_connect=nn.Linear(4, 4, bias=False), **single),
            fc3=nn.Linear(4, 3),
        )
    )

    def step(x):
        fired = {}
        x = net.fc1(x.flatten(1))
        fired["full1"] = x = net.lif1(x.unsqueeze(1))[:, 0].double()
        return step2(fired, x)

    rec = torch.zeros(samples, 4, dtype=torch.double)

    def step2(fired, x):
        # one step at a time, as the layer itself does over all: the recurrent part of the step before is added
        nonlocal rec
        state = {"v_mem": net.lif2.v_mem if net.lif2.v_mem.numel() else torch.zeros(samples, 4, dtype=torch.double)}
        v = torch.exp(-1 / net.lif2.tau_mem) * state["v_mem"] + net.fc2(x) + rec
        spikes = (v >= net.lif2.spike_threshold).double()
        net.lif2.v_mem = v - spikes * net.lif2.spike_threshold
        rec = net.lif2.rec_connect(spikes)
        fired["full2"] = spikes
        return fired, net.fc3(spikes)

    save("sinabs", "6F-LIF(beta=0.9048374,threshold=0.8,ge)-4F-R-LIF(beta=0.8187308,ge)-3F", net, (8, 1, 1), step)

    adaptive = Chain(
        {"lif": "full1"},
        flat=nn.Flatten(),
        fc1=nn.Linear(8, 6),
        lif=sl.ALIF(tau_mem=10.0, tau_adapt=20.0, adapt_scale=4.0, spike_threshold=torch.tensor(0.5), **single),
        fc2=nn.Linear(6, 3),
    )
    randomise(adaptive, 3)

    def adapt(x):
        spikes = adaptive.lif(adaptive.fc1(x.flatten(1)).unsqueeze(1))[:, 0].double()
        return {"full1": spikes}, adaptive.fc2(spikes)

    rho = 0.951229425  # e^(−1/20)
    save(
        "sinabs_adaptive",
        f"6F-LIF(beta=0.9048374,threshold=0.5,ge,adapt={4 * (1 - rho):.9f},rho={rho})-3F",
        adaptive,
        (8, 1, 1),
        adapt,
    )


class Random:
    """Chains of random layers; `neuron` draws a module, its text, and how it is reset."""

    def __init__(self, neuron, after=3.0):
        self.rng, self.neuron, self.after = random.Random(7), neuron, after

    def pool(self, size, behind_norm=False):
        kinds = [("", None)] * 3 + [
            ("-MP3s2p1", nn.MaxPool2d(3, 2, 1)),
            ("-MP2c", nn.MaxPool2d(2, ceil_mode=True)),
            ("-AP3s2p1", nn.AvgPool2d(3, 2, 1)),
            ("-AP2s1", nn.AvgPool2d(2, 1)),
            ("-GMP", nn.AdaptiveMaxPool2d(1)),
        ]
        if behind_norm:
            del kinds[5]  # whether the normalisation stands before a padded mean, names do not tell
        return self.rng.choice(kinds if size > 2 else kinds[:3])

    def network(self, name):
        modules, layers, resets, channels, x = {}, {}, [], 2, torch.zeros(1, 2, 6, 6)
        text, count = [], 0

        def put(key, module, shape=None):
            nonlocal x
            modules[key] = module
            x = torch.zeros(shape) if shape else module(x)

        def fire(layer):
            module, words, reset = self.neuron(self.rng)
            layers[f"sn{len(layers)}"] = layer
            resets.append(reset)
            put(f"sn{len(layers) - 1}", module, x.shape)
            return "-" + words

        for i in range(self.rng.randint(1, 2)):
            kernel, norm = self.rng.choice((1, 3)), self.rng.random() < 0.5
            out = 3 + 2 * i + self.rng.randint(0, 1)
            bias = not norm and self.rng.random() < 0.7
            put(f"conv{i}", nn.Conv2d(channels, out, kernel, padding=kernel // 2, bias=bias))
            if norm:
                put(f"bn{i}", nn.BatchNorm2d(out).eval())
            channels = out
            stage = f"{out}C{kernel}" + ("" if bias or norm else "b0")
            before, module = self.pool(x.shape[-1], norm)
            if module:
                put(f"pool{i}", module)
            count += 2 if before else 1  # a neuron behind a pool is a layer of its own
            stage += before + fire(f"pass{count}" if before else f"conv{count}")
            behind, module = self.pool(x.shape[-1])
            if module:
                put(f"after{i}", module)
            text.append(stage + behind)
        put("flat", nn.Flatten())
        if self.rng.random() < 0.5:
            put("fc0", nn.Linear(x.shape[1], 9))
            text.append("9F" + fire(f"full{count + 1}"))
        put("fc", nn.Linear(x.shape[1], 3))
        net = randomise(Chain(layers, **modules), self.after)
        save(name, "-".join(text + ["3F"]), net, (2, 6, 6), net.step, "", lambda: [reset() for reset in resets])

    def networks(self, library):
        made = 0
        for i in range(40):
            try:
                self.network(f"{library}_random{i}")
            except AssertionError:  # some layer is silent: another
                continue
            made += 1
            if made == 10:
                return
        raise RuntimeError("too few networks spike")


def random_snntorch(rng):
    import snntorch as snn

    hidden = {"init_hidden": True, "spike_grad": lambda x: (x > 0).to(x.dtype)}
    beta, threshold, reset = (
        rng.choice((0.5, 0.8, 0.95)),
        rng.choice((0.5, 1.0)),
        rng.choice(("subtract", "zero", "none")),
    )
    words = f"beta={beta},threshold={threshold},reset={reset}" + (",delay" if reset != "none" else "")
    if rng.random() < 0.3:
        module = snn.Synaptic(alpha=0.25, beta=beta, threshold=threshold, reset_mechanism=reset, **hidden)
        words += ",alpha=0.25"
    else:
        module = snn.Leaky(beta=beta, threshold=threshold, reset_mechanism=reset, **hidden)
    return module, f"LIF({words})", module.reset_mem


def random_spikingjelly(rng):
    from spikingjelly.activation_based import neuron

    threshold, rest = rng.choice((0.5, 1.0)), rng.choice((None, 0.0, -0.25))
    words = f"threshold={threshold - (rest or 0)},ge" + (",reset=zero" if rest is not None else "")
    if rng.random() < 0.3:
        module = neuron.IFNode(v_threshold=threshold, v_reset=rest)
        return module, f"IF({words})", module.reset
    tau, decay = rng.choice((2.0, 4.0)), rng.random() < 0.5
    words += f",beta={1 - 1 / tau}" + (",decay_input" if decay else "")
    module = neuron.LIFNode(tau=tau, decay_input=decay, v_threshold=threshold, v_reset=rest)
    return module, f"LIF({words})", module.reset


class Remembering(nn.Module):
    """A cell that is given its state."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell
        self.reset()

    def reset(self):
        self.state = None

    def forward(self, x):
        spikes, self.state = self.cell(x, self.state)
        return spikes


def random_norse(rng):
    import norse.torch as norse

    number = lambda value: torch.tensor(value, dtype=torch.double)
    rate, threshold, at = rng.choice((100.0, 400.0)), rng.choice((0.25, 0.5)), rng.choice((0.0, -0.25))
    words = f"beta={1 - rate / 1000:.9f},gain={rate / 1000},threshold={threshold},reset=zero,v_reset={at}"
    numbers = {"tau_mem_inv": number(rate), "v_leak": number(0.0), "v_th": number(threshold), "v_reset": number(at)}
    if rng.random() < 0.5:
        module = Remembering(norse.LIFCell(norse.LIFParameters(tau_syn_inv=number(500.0), **numbers)))
        words += ",alpha=0.5"
    else:
        module = Remembering(norse.LIFBoxCell(norse.LIFBoxParameters(**numbers)))
    return module, f"LIF({words})", module.reset


class OneStep(nn.Module):
    """A layer over time, given one step."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def reset(self):
        for name, _ in list(self.layer.named_buffers()):
            if name != "spike_threshold" or hasattr(self.layer, "b0"):
                setattr(self.layer, name, torch.zeros(0))

    def forward(self, x):
        return self.layer(x.unsqueeze(1))[:, 0].double()


def random_sinabs(rng):
    import math

    import sinabs.activation as sina
    import sinabs.layers as sl

    threshold, to = rng.choice((0.5, 1.0)), rng.choice((None, 0.0))
    words = f"threshold={threshold},ge" + ("" if to is None else ",reset=zero")
    shared = {
        "spike_fn": sina.SingleSpike,
        "spike_threshold": torch.tensor(threshold),
        "reset_fn": sina.MembraneSubtract() if to is None else sina.MembraneReset(),
    }
    kind = rng.choice(("IAF", "LIF", "ALIF"))
    if kind == "IAF":
        module = OneStep(sl.IAF(**shared))
        return module, f"IF({words})", module.reset
    tau, norm = rng.choice((5.0, 20.0)), rng.random() < 0.3
    beta = math.exp(-1 / tau)
    words += f",beta={beta:.9f}" + (",decay_input" if norm else "")
    if kind == "LIF":
        module = OneStep(sl.LIF(tau_mem=tau, norm_input=norm, **shared))
    else:
        module, rho = (
            OneStep(sl.ALIF(tau_mem=tau, tau_adapt=10.0, adapt_scale=3.0, norm_input=norm, **shared)),
            math.exp(-1 / 10),
        )
        words += f",adapt={3 * (1 - rho):.9f},rho={rho:.9f}"
    return module, f"LIF({words})", module.reset


RANDOM = {
    "snntorch": random_snntorch,
    "spikingjelly": random_spikingjelly,
    "norse": random_norse,
    "sinabs": random_sinabs,
}
{
    "torch": torch_networks,
    "snntorch": snntorch_networks,
    "spikingjelly": spikingjelly_networks,
    "norse": norse_networks,
    "sinabs": sinabs_networks,
}[library]()
if library in RANDOM:
    Random(RANDOM[library], 12.0 if library == "norse" else 3.0).networks(library)
